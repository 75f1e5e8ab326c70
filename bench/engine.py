"""The engine against its peers: one sweep of adapters trained in every way there is with public tools.

`python -m bench.engine --shape smollm-shape --dtype float32 --steps 40 --repeats 3 --out engine.json` trains the same
trials on the same rows in each arm of `bench.arms`, interleaved, each in a process of its own, behind a gate on the
load of the machine, and prints a table. `--curve 1,2,4` also sweeps the batch size: the gain against tokens per step.
It asserts nothing: how fast a machine is, is not for a test to say.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.arms import ARMS
from bench.figures import arm_figures, compare_losses, gains, one_run, padding_factor
from bench.job import Job, plan_trials
from bench.load import wait_until_quiet

SHAPES = {"microworld": 60, "stories260K": 90, "bitstories-3M": 90, "smollm-shape": 90}
"""Shapes, each with the median of its rows' tokens."""
CURVE = ("reuse", "rows", "both", "alone", "fused")
MAX_ROWS = 512
ROOT = Path(__file__).parents[1]
console = Console()


def main() -> None:
    """Measure, print, write."""
    said = _said()
    report: dict[str, Any] = {
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
        "asked": {k: str(v) if isinstance(v, Path) else v for k, v in vars(said).items()},
    }
    _gate(said, what="matmul rate")
    report["matmul_gflops"] = rate = json.loads(_python("bench.rate", said.device))
    console.print(
        f"matmul on {rate['device']}, {rate['threads']} threads: fp32 {rate['float32']:.0f}, "
        f"bf16 {rate['bfloat16']:.0f} GFLOP/s"
    )
    report["main"] = _measure(said, arms=said.arms, batch=said.batch, rate=rate)
    _write(report, to=said.out)
    _print(report["main"])
    if said.curve:
        report["curve"] = []
        for batch in said.curve:
            arms = [arm for arm in CURVE if arm in said.arms]
            report["curve"].append(_measure(said, arms=arms, batch=batch, rate=rate))
            _write(report, to=said.out)
        _print_curve(report["curve"])


def _measure(
    said: argparse.Namespace, *, arms: list[str], batch: int, rate: dict[str, Any]
) -> dict[str, Any]:
    """Every arm, `repeats` times, one arm after the other within a repetition."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        job = _job(said, batch=batch, folder=folder)
        _python("bench.shapes", str(job.path))
        facts = json.loads(Path(folder, "facts.json").read_text())
        runs: dict[str, list[dict[str, Any]]] = {arm: [] for arm in arms}
        failed: dict[str, str] = {}
        gates: list[dict[str, Any]] = []
        for repeat in range(said.repeats):
            # Another arm begins each time, so that a drift of the machine falls on all of them.
            turned = arms[repeat % len(arms) :] + arms[: repeat % len(arms)]
            for arm in turned:
                if arm in failed:
                    continue
                gates.append({"arm": arm, **_gate(said, what=arm)})
                try:
                    run = _run(arm, job=job)
                except RuntimeError as error:
                    failed[arm] = str(error)
                    console.print(f"[red]{arm} failed[/]: {str(error)[-600:]}", highlight=False)
                    continue
                runs[arm].append(run)
                console.print(
                    f"repeat {repeat + 1}, batch {batch}, {arm}: wall {run['wall_seconds']:.1f} s, "
                    f"{run['steady_seconds'] * 1e3:.0f} ms a step of all"
                )
    found = {
        arm: arm_figures(told, facts=facts, rate=rate, job=job)
        for arm, told in runs.items()
        if told and arm not in failed
    }
    compare_losses(found)
    return {
        "conditions": {k: v for k, v in asdict(job).items() if k != "folder"},
        "facts": facts,
        "tokens_per_trial": sum(facts["real_tokens"]),
        "tokens_per_step_of_a_trial": sum(facts["real_tokens"]) / job.steps,
        "padding_factor": padding_factor(facts),
        "arms": found,
        "gains": gains(found),
        "failed": failed,
        "gates": gates,
        "all_gates_met": all(gate["quiet"] for gate in gates),
    }


def _run(arm: str, *, job: Job) -> dict[str, Any]:
    """One repetition of an arm: its process, or one for each trial in turn."""
    which = range(len(job.trials)) if arm == "processes" else (None,)
    out = Path(job.folder, "told.json")
    told = []
    began = time.perf_counter()
    for trial in which:
        chosen = [] if trial is None else ["--trial", str(trial)]
        _python("bench.arms", arm, str(job.path), str(out), "--began", repr(time.time()), *chosen)
        told.append(json.loads(out.read_text()))
        out.unlink()
    return one_run(told, wall=time.perf_counter() - began, skip=job.skip)


def _job(said: argparse.Namespace, *, batch: int, folder: str) -> Job:
    job = Job(
        shape=said.shape,
        dtype=said.dtype,
        steps=said.steps,
        batch=batch,
        skip=min(said.skip, said.steps - 1),
        median_tokens=said.median_tokens or SHAPES[said.shape],
        num_rows=batch * max(1, min(said.steps, MAX_ROWS // batch)),
        device=said.device,
        folder=folder,
        trials=plan_trials(said.k),
    )
    job.write()
    return job


def _gate(said: argparse.Namespace, *, what: str) -> dict[str, Any]:
    gate = wait_until_quiet(below=said.max_load, seconds=said.gate_seconds)
    if not gate.quiet:
        console.print(
            f"[yellow]{what}: the load is still {gate.load:.2f} after {gate.waited_seconds:.0f} s "
            f"(wanted below {said.max_load}); measured all the same[/]"
        )
    return asdict(gate)


def _python(module: str, *arguments: str) -> str:
    """What a module of ours prints, in a process of its own."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{module} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def _print(measured: dict[str, Any]) -> None:
    asked = measured["conditions"]
    table = Table(
        title=f"{asked['shape']}, {asked['dtype']}, K = {len(asked['trials'])}, batch "
        f"{asked['batch']}, {asked['steps']} steps, {measured['tokens_per_trial']:,} real tokens "
        f"a trial, padding x{measured['padding_factor']:.2f}",
    )
    table.add_column("arm")
    for column in (
        "wall s",
        "ms/step of all",
        "real tok/s",
        "peak RSS MB",
        "of matmul",
        "loss vs (ii)",
    ):
        table.add_column(column, justify="right")
    for arm, figures in measured["arms"].items():
        apart = figures.get("final_loss_difference")
        table.add_row(
            arm,
            f"{figures['wall_seconds']:.1f}",
            f"{figures['steady_seconds'] * 1e3:.0f}",
            f"{figures['real_tokens_per_second']:,.0f}",
            f"{figures['peak_rss_bytes'] / 1e6:,.0f}",
            f"{figures['share_of_matmul_rate_needed']:.0%}",
            "" if apart is None else f"{apart:.1e}",
        )
    console.print(table)
    for arm in measured["arms"]:
        console.print(f"  {arm}: {ARMS[arm]}", highlight=False)
    for name, ratio in measured["gains"].items():
        console.print(f"  {name}: {ratio:.2f}x")
    if not measured["all_gates_met"]:
        console.print("[yellow]The machine was not quiet before every measurement.[/]")


def _print_curve(curve: list[dict[str, Any]]) -> None:
    table = Table(title="Gain of one step of all trials against tokens per step of one trial")
    for column in (
        "batch",
        "tokens",
        "S(K) over (ii)",
        "fusion: (iv)/fused",
        "over both",
        "padding",
        "padding x",
    ):
        table.add_column(column, justify="right")
    names = (
        "fused over one process, steady",
        "fusion alone: our K = 1 over fused, steady",
        "fused over both of these, steady",
        "no padding alone (row by row)",
    )
    for point in curve:
        ratios = [f"{point['gains'][n]:.2f}" if n in point["gains"] else "-" for n in names]
        table.add_row(
            str(point["conditions"]["batch"]),
            f"{point['tokens_per_step_of_a_trial']:.0f}",
            *ratios,
            f"{point['padding_factor']:.2f}",
        )
    console.print(table)


def _write(report: dict[str, Any], *, to: Path | None) -> None:
    if to is not None:
        to.write_text(json.dumps(report, indent=1) + "\n")


def _said() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("--shape", choices=SHAPES, default="microworld")
    add("--dtype", choices=("float32", "bfloat16", "nf4"), default="float32")
    add("--steps", type=int, default=100, help="optimizer steps of each trial")
    add("--k", type=int, default=8, help="trials")
    add("--batch", type=int, default=8, help="rows of a step of a trial")
    add("--repeats", type=int, default=3)
    add("--skip", type=int, default=2, help="first steps that the steady state leaves out")
    add("--median-tokens", type=int, help="of the rows; lengths are lognormal")
    add("--arms", type=_arms, default=list(ARMS), help=f"of {','.join(ARMS)}")
    add("--curve", type=_numbers, default=[], metavar="1,2,4", help="batch sizes to sweep as well")
    add("--device", choices=("cpu", "cuda"), default="cpu")
    add("--max-load", type=float, default=1.2, help="load average that counts as quiet")
    add("--gate-seconds", type=float, default=60.0, help="how long to wait for it")
    add("--out", type=Path, help="a JSON file for all of it")
    return parser.parse_args()


def _arms(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in ARMS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(ARMS)}")
    return names


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    main()
