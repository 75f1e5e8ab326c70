"""Scoring adapters: ours against `lm-eval`, one adapter and eight, on the same loaded base, the same items, equal scores.

`python -m bench.evals --quick` measures a first impression, `--full` what is published, `--only stories260K` one model;
`make bench` measures the quick form. Each model is a process of its own (`bench.eval_arms`), which loads both sides before
anything is timed and takes turns between them. It leaves `evals-<model>.json`, from which the page is written.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.engine import write
from bench.eval_tables import gains_table, seconds_table, title_of
from bench.machine import ROOT, describe, environment
from bench.page import PAGE, RESULTS, page
from bench.printing import say, show_sheet
from bench.suite import SHARED

SETS = ("arc_easy", "boolq", "lambada_openai")
FACTS = "facts"
"""The micro-world's questions, which are part of the package."""


@dataclass(frozen=True, kw_only=True)
class EvalCase:
    """One model and the sets that it is asked."""

    name: str
    sets: tuple[str, ...] = SETS
    items: int = 300
    """Of each set: the first that fit the model's context with every choice."""
    repeats: int = 3
    batch_sizes: tuple[int | str, ...] = (1, 16, 64, "auto")
    """Of `lm-eval`; the first is its default."""
    minutes: float = 12.0

    @property
    def shared(self) -> bool:
        """Whether it needs models and data beside the checkout."""
        return self.sets != (FACTS,)


FULL = (
    EvalCase(name="stories260K"),
    EvalCase(name="bitstories-3M", items=100, minutes=25),
    EvalCase(name="microworld", sets=(FACTS,), minutes=3),
)
QUICK = (
    EvalCase(name="stories260K", items=60, repeats=1, batch_sizes=(1, 16), minutes=1),
    EvalCase(
        name="microworld", sets=(FACTS,), items=60, repeats=1, batch_sizes=(1, 16), minutes=0.5
    ),
)


def skipped_because(case: EvalCase, *, shared: Path = SHARED) -> str:
    """Why a case cannot be measured here; empty where it can."""
    if find_spec("lm_eval") is None:
        return "the package lm_eval is not installed: .venv/bin/python -m pip install lm_eval"
    needed = [shared / "models" / case.name, *(shared / "data" / "eval_mc" for _ in case.sets)]
    missing = [path for path in needed if case.shared and not path.is_dir()]
    if missing:
        return (
            f"{missing[0].name} does not lie in {shared.name}; WORKBENCH_SHARED names another place"
        )
    return ""


def run_case(case: EvalCase, *, patience: float) -> dict[str, Any]:
    """Everything that is kept of a case."""
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        asked, out = Path(home, "case.json"), Path(home, "told.json")
        fields = asdict(case) | {"shared": str(SHARED), "patience": patience, "home": home}
        asked.write_text(json.dumps(fields))
        # The libraries' own progress goes nowhere; ours comes through standard error.
        done = subprocess.run(
            [sys.executable, "-m", "bench.eval_arms", str(asked), str(out)],
            cwd=ROOT,
            env=environment() | {"HF_DATASETS_CACHE": str(Path(home, "datasets"))},
            stdout=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"bench.eval_arms ended with {done.returncode}")
        told: dict[str, Any] = json.loads(out.read_text())
    return {"machine": describe(), "eval_case": asdict(case), **told}


def measure_all(
    cases: Sequence[EvalCase], *, to: Path, patience: float, broken: dict[str, str]
) -> dict[str, str]:
    """Measure, print, write each case; case -> why it was skipped. One that breaks is remembered and the others go on."""
    skipped: dict[str, str] = {}
    for case in cases:
        why = skipped_because(case)
        if why:
            skipped[f"evals of {case.name}"] = why
            continue
        say(f"\nevals of {case.name}, about {case.minutes:.0f} min")
        try:
            result = run_case(case, patience=patience)
        except RuntimeError as error:
            broken[f"evals of {case.name}"] = str(error)
            say(f"evals of {case.name} broke: {error}")
            continue
        write(result, to=to / f"evals-{case.name}.json")
        show(result)
    return skipped


def show(result: dict[str, Any]) -> None:
    """All tables of a case."""
    show_sheet(gains_table([result]), title=title_of(result))
    for name, measured in result["sets"].items():
        show_sheet(seconds_table(measured), title=f"{name}, seconds")
        if not measured["equal"]:
            say(f"{name}: the scores differ, so nothing was gained: {measured['differences']}")
    if not result["quiet"]:
        say("The machine was not quiet.")


def chosen(table: Sequence[EvalCase], *, names: Sequence[str]) -> list[EvalCase]:
    """The cases of these names; all of them without names."""
    unknown = set(names) - {case.name for case in table}
    if unknown:
        raise SystemExit(
            f"there is no case {sorted(unknown)[0]!r}; there are {', '.join(c.name for c in table)}"
        )
    return [case for case in table if not names or case.name in names]


def main() -> None:
    """Measure what was asked for, and write the page anew where it is published."""
    said = _said()
    folder = said.out or (RESULTS if said.full else ROOT / "build" / "bench")
    began = time.monotonic()
    broken: dict[str, str] = {}
    cases = chosen(FULL if said.full else QUICK, names=said.only)
    skipped = measure_all(cases, to=folder, patience=said.patience, broken=broken)
    if folder == RESULTS:
        PAGE.write_text(page(sorted(RESULTS.glob("*.json"))))
    say(f"\n{(time.monotonic() - began) / 60:.0f} min. Figures in {folder}")
    for name, why in {**skipped, **broken}.items():
        say(f"without {name}: {why}")
    raise SystemExit(1 if broken else 0)


def _said() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.evals", description=__doc__)
    add = parser.add_argument
    add("--quick", action="store_true", help="a first impression (what is done anyway)")
    add("--full", action="store_true", help="what is published")
    add("--only", type=lambda text: text.split(","), default=[], help="names of models, by commas")
    add("--patience", type=float, default=300.0, help="seconds to wait in all for a quiet machine")
    add("--out", type=Path, help="a folder for the results, instead of the usual one")
    return parser.parse_args()


if __name__ == "__main__":
    main()
