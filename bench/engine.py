"""One case by hand: the engine against its peers on a shape, a number format and row lengths of your choice.

`python -m bench.engine --shape smollm-135M-shape --dtype float32 --steps 40 --batch 2 --out one.json` trains the same
trials on the same rows in each arm of `bench.arms`, interleaved, each in a process of its own, behind a gate on what
else the machine does, and prints tables. `--batch 1,2,4` gives the gain against tokens a step. The standard cases are
`python -m bench`. It asserts nothing: how fast a machine is, is not for a test to say.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from bench.arms import ARMS
from bench.load import Gate
from bench.machine import describe
from bench.measure import measure, run_python
from bench.printing import say, show
from bench.suite import PEERS, Case

SHAPES = (
    "microworld",
    "stories260K",
    "bitstories-3M",
    "smollm-135M-shape",
    "qwen-0.5B-shape",
    "llama-1B-shape",
)


def run_case(case: Case, *, gate: Gate) -> dict[str, Any]:
    """Everything that is kept of a case: its figures and their conditions."""
    gate.wait()
    rate = json.loads(run_python("bench.rate", case.device))
    say(
        f"matmul on {rate['device']}, {rate['threads']} threads: fp32 {rate['float32']:.0f}, "
        f"bf16 {rate['bfloat16']:.0f} GFLOP/s"
    )
    measured = measure(case, rate=rate, gate=gate, say=say)
    return {"machine": describe(), "matmul_gflops": rate, **measured}


def write(result: dict[str, Any], *, to: Path) -> None:
    """One JSON file."""
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(json.dumps(result, indent=1) + "\n")


def main() -> None:
    """Measure, print, write."""
    said = _said()
    case = Case(
        name="by-hand",
        shape=said.shape,
        dtype=said.dtype,
        device=said.device,
        k=said.k,
        batches=said.batch,
        tokens=said.tokens,
        spread=said.spread,
        arms=said.arms,
        repeats=said.repeats,
        seconds=said.seconds,
        steps=said.steps,
        least=said.steps or 4,
        skip=said.skip,
        profiled=said.profile,
    )
    result = run_case(case, gate=Gate(patience=said.patience))
    if said.out:
        write(result, to=said.out)
    show(result)


def _said() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("--shape", choices=SHAPES, default="microworld")
    add("--dtype", choices=("float32", "bfloat16", "nf4"), default="float32")
    add("--seconds", type=float, default=30.0, help="how long arm (ii) trains in a repetition")
    add("--steps", type=int, help="optimizer steps of each trial, instead of --seconds")
    add("--k", type=int, default=8, help="trials")
    add("--batch", type=_numbers, default=(8,), metavar="1,2,4", help="rows of a step of a trial")
    add("--tokens", type=int, default=90, help="median of the rows' lengths")
    add("--spread", type=float, default=0.7, help="of the log of the lengths; 0: all rows alike")
    add("--repeats", type=int, default=3)
    add("--skip", type=int, default=2, help="first steps that the steady state leaves out")
    add("--arms", type=_arms, default=PEERS, help=f"of {','.join(ARMS)}")
    add("--device", choices=("cpu", "cuda"), default="cpu")
    add("--profile", action="store_true", help="also tell where the time of a fused step goes")
    add("--patience", type=float, default=60.0, help="seconds to wait in all for a quiet machine")
    add("--out", type=Path, help="a JSON file for all of it")
    return parser.parse_args()


def _arms(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    unknown = [name for name in names if name not in ARMS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(ARMS)}")
    return names


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


if __name__ == "__main__":
    main()
