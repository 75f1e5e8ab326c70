"""`make bench`: the standard cases, one after the other, with an estimate first and a table after each.

`python -m bench` takes the quick table of `bench.suite`, `--full` the full one, `--only microworld,smollm` some of
them, `--only evals` the scoring of adapters against lm-eval; `--list` only says what would be done. Each case leaves a JSON file: a quick one under `build/bench`, a full one
under `bench/results`, from which `docs/benchmarks.md` is written anew. A case that cannot run here is named and skipped.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bench import evals
from bench.engine import run_case, write
from bench.load import Gate
from bench.machine import ROOT, describe
from bench.page import PAGE, RESULTS, page
from bench.printing import say, show, show_sheet
from bench.product import timings
from bench.suite import FULL, QUICK, Case, chosen, minutes, skipped_because
from bench.tables import Sheet

PRODUCT = "product"
"""The timings of import, plan, command line and one small sweep, as if they were a case."""
PRODUCT_MINUTES = 2.0
EVALS = "evals"
"""The scoring of adapters against lm-eval, as if it were a case; `python -m bench.evals` measures it alone."""


def main() -> None:
    """Say what will be done, do it, write it down."""
    said = _said()
    names = [name for name in said.only if name not in (PRODUCT, EVALS)]
    cases = chosen(FULL if said.full else QUICK, names=names) if names or not said.only else []
    if said.repeats:
        cases = [replace(case, repeats=said.repeats) for case in cases]
    with_product = not said.only or PRODUCT in said.only
    with_evals = not said.only or EVALS in said.only
    scored = (evals.FULL if said.full else evals.QUICK) if with_evals else ()
    skipped = {case.name: why for case in cases if (why := skipped_because(case))}
    todo = [case for case in cases if case.name not in skipped]
    _announce(cases, skipped=skipped, with_product=with_product, scored=scored)
    if said.list:
        return
    folder = said.out or (RESULTS if said.full else ROOT / "build" / "bench")
    gate = Gate(patience=said.patience)
    broken: dict[str, str] = {}
    began = time.monotonic()
    if with_product:
        _attempt(PRODUCT, partial(_product, folder), broken=broken)
    for number, case in enumerate(todo, start=1):
        say(f"\n[{number}/{len(todo)}] {case.name}, {(time.monotonic() - began) / 60:.0f} min in")
        _attempt(case.name, partial(_engine, case, gate=gate, to=folder), broken=broken)
    skipped |= evals.measure_all(scored, to=folder, patience=said.patience, broken=broken)
    page_path = PAGE if folder == RESULTS else folder / "benchmarks.md"
    folder.mkdir(parents=True, exist_ok=True)
    page_path.write_text(page(sorted(folder.glob("*.json"))))
    say(f"\n{(time.monotonic() - began) / 60:.0f} min. Figures in {folder}, tables in {page_path}")
    for name, why in {**skipped, **broken}.items():
        say(f"without {name}: {why}")
    raise SystemExit(1 if broken else 0)


def _announce(
    cases: Sequence[Case],
    *,
    skipped: dict[str, str],
    with_product: bool,
    scored: Sequence[evals.EvalCase],
) -> None:
    """What will be done and how long it will take."""
    rows = [
        (
            case.name,
            case.dtype,
            ", ".join(map(str, case.batches)),
            str(len(case.arms)),
            str(case.repeats),
            "skipped" if case.name in skipped else f"{minutes(case):.0f}",
        )
        for case in cases
    ]
    total = sum(minutes(case) for case in cases if case.name not in skipped)
    if with_product:
        total += PRODUCT_MINUTES
        rows.append((PRODUCT, "", "", "", "", f"{PRODUCT_MINUTES:.0f}"))
    for one in scored:
        total += one.minutes
        why = evals.skipped_because(one)
        done = "skipped" if why else f"{one.minutes:.0f}"
        rows.append((f"{EVALS}, {one.name}", "float32", "", "", str(one.repeats), done))
    show_sheet(Sheet(("case", "dtype", "rows a step", "arms", "repeats", "minutes"), tuple(rows)))
    for name, why in skipped.items():
        say(f"without {name}: {why}")
    until = datetime.now() + timedelta(minutes=total)
    say(f"About {total:.0f} minutes, until about {until:%H:%M}. Leave the machine to it.")


def _attempt(name: str, work: Callable[[], None], *, broken: dict[str, str]) -> None:
    """Do one case; one that breaks is remembered and the others go on."""
    try:
        work()
    except RuntimeError as error:
        broken[name] = str(error)
        say(f"{name} broke: {error}")


def _engine(case: Case, *, gate: Gate, to: Path) -> None:
    result = run_case(case, gate=gate)
    write(result, to=to / f"engine-{case.name}.json")
    show(result)


def _product(folder: Path) -> None:
    result: dict[str, Any] = {"machine": describe(), "timings": timings(say=say)}
    write(result, to=folder / f"{PRODUCT}.json")


def _said() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add("--full", action="store_true", help="the full table, to be published: hours")
    add("--only", type=lambda text: text.split(","), default=[], help="names of cases, by commas")
    add("--list", action="store_true", help="say what would be done and how long it would take")
    add("--repeats", type=int, help="of every case, instead of its own number")
    add("--patience", type=float, default=300.0, help="seconds to wait in all for a quiet machine")
    add("--out", type=Path, help="a folder for the results, instead of the usual one")
    return parser.parse_args()


if __name__ == "__main__":
    main()
