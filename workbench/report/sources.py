"""The stored files a report is made from: the rows behind the figures of a section, and the hash of every file read.

`rows_behind(reading, evals)` is a folded line under the figures; `sources(reading)` lists path and SHA-256 of each file for
the document beside the page. Paths are those inside the sweep's folder.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from workbench.compare import wording
from workbench.compare.calibration import FILE
from workbench.compare.reading import Reading
from workbench.report import blocks
from workbench.report.numbers import Said, Told
from workbench.scores.task import BASE

WHOLE = (
    "spec.yaml",
    "plan.json",
    "measured.json",
    "data-card.json",
    "provenance.json",
    "foreign.json",
    FILE,
    "events.jsonl",
)
"""Files of the sweep as a whole."""

TITLE = "Rows behind these figures"

OF_A_TRIAL = ("spec.yaml", "events.jsonl")
"""Files of one trial, beside its samples and scores."""


def rows_behind(
    reading: Reading, evals: Sequence[str], *, slots: Sequence[str] | None = None
) -> Markup | None:
    """Which stored rows some figures were worked out from, folded; by default those of base and all trials."""
    asked = list(slots) if slots is not None else [BASE, *(t.name for t in reading.trials)]
    found = [
        (slot, eval, _inside(reading, slot, "samples", f"{_file(eval)}.parquet"))
        for eval in evals
        for slot in asked
    ]
    kept = [(slot, eval, path) for slot, eval, path in found if path is not None]
    if not kept:
        return None
    files = [f"samples/{_file(eval)}.parquet" for eval in dict.fromkeys(e for _, e, _ in kept)]
    asked = list(dict.fromkeys(slot for slot, _, _ in kept))
    words = f"{wording.listed(files)} of {_whose(asked)}."
    counted = {"trials": sum(slot != BASE for slot in asked)}
    told = blocks.paragraph(words, numbers=counted)
    rows = [Said("rows", path) for _, _, path in kept]
    return blocks.folded(TITLE, Told(told, [*told.said, *rows]))


def sources(reading: Reading) -> list[dict[str, Any]]:
    """Path, size and SHA-256 of every file that was read, in the order of their paths."""
    root = reading.store.path
    paths = [root / name for name in WHOLE]
    for slot in (BASE, *(trial.name for trial in reading.trials)):
        folder = reading.store.folder(slot)
        paths += [folder / name for name in OF_A_TRIAL]
        paths += [*folder.glob("samples/*.parquet"), *folder.glob("scores/*.json")]
        paths += folder.glob("deployment/[!.]*")
    return [_source(path, root) for path in sorted(set(paths)) if path.is_file()]


def _source(path: Path, root: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "path": path.relative_to(root).as_posix(),
        "bytes": path.stat().st_size,
        "sha256": digest,
    }


def _file(eval: str) -> str:
    """An eval as the store names its files."""
    return eval.replace(":", "-")


def _inside(reading: Reading, slot: str, *parts: str) -> str | None:
    path = reading.store.folder(slot).joinpath(*parts)
    return path.relative_to(reading.store.path).as_posix() if path.is_file() else None


def _whose(slots: list[str]) -> str:
    """Base and trials, all of them or how many and from which to which."""
    if len(slots) <= 4:
        return wording.listed(slots)
    trials = [slot for slot in slots if slot != BASE]
    words = f"{len(trials)} trials, {trials[0]} to {trials[-1]}"
    return f"{BASE} and {words}" if BASE in slots else words
