"""One HTML report of a sweep, from its stored rows: `render("runs/rank-sweep", "reports/rank-sweep.html")`.

Parameters are checked here first; then a process of its own runs the report's notebook with papermill and turns it
into a page (`press.py`), so that it works inside a running kernel and leaves nothing imported there. The executed
notebook is kept beside the page. Nothing is overwritten unless asked.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

import workbench
from workbench.compare.reading import primary_eval, read
from workbench.errors import RunError, SpecError, StoreError, nearest
from workbench.report.sections import default_title
from workbench.runs.store import SweepStore
from workbench.scores.task import BASE

TEMPLATES = Path(__file__).parent / "templates"
MAX_SECONDS = 900


class ReportParams(BaseModel):
    """What a report can be told; the names are those of the notebook's parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    """The sweep folder."""
    title: str = ""
    primary: str = ""
    """The eval the verdict is about; empty for the usual one."""
    baseline: str = BASE
    """What differences are measured against."""

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "ReportParams":
        """The parameters in a mapping; an unknown one is an error that names the nearest."""
        for name in fields:
            if name not in cls.model_fields:
                known = cls.model_fields
                raise SpecError(f"a report has no parameter {name!r}. {nearest(name, known)}")
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(map(str, problem["loc"]))
            raise SpecError(f"{where}: {problem['msg']}; got {problem['input']!r}") from None


def render(
    path: str | Path,
    out: str | Path,
    *,
    title: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write the report of a sweep and return its path.

    Args:
        path: A sweep folder; it may still be running.
        out: The HTML file to write; the executed notebook goes beside it as .ipynb.
        title: The heading; by default it names the sweep.
        parameters: More of `ReportParams`: primary, baseline.
        overwrite: Whether a report that is there already may be replaced.
    """
    sweep, page = Path(path).absolute(), _free(Path(out).absolute(), overwrite=overwrite)
    store = SweepStore.open(sweep)
    given = {"path": str(sweep), **({"title": title} if title else {}), **(parameters or {})}
    wanted = ReportParams.of(given)
    if wanted.primary or wanted.baseline != BASE:
        reading = read(sweep)
        primary_eval(reading, asked=wanted.primary or None)
        if wanted.baseline != BASE:
            reading.candidate(wanted.baseline)
    if not wanted.title:
        wanted = wanted.model_copy(update={"title": default_title(store.spec.name)})
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{str(page.parent)!r} cannot be made: {error.strerror}. Give a place that can be written"
        ) from None
    _press(wanted, page)
    return page


def _free(page: Path, *, overwrite: bool) -> Path:
    if page.suffix.lower() not in (".html", ".htm"):
        raise StoreError(
            f"a report is an HTML file; got {str(page)!r}, give a name ending in .html"
        )
    if page.is_dir():
        raise StoreError(f"{str(page)!r} is a folder; give the name of a file ending in .html")
    for taken in (page, page.with_suffix(".ipynb")):
        if not overwrite and os.path.lexists(taken):
            raise StoreError(
                f"{str(taken)!r} exists already and is not overwritten. "
                "Give another name, or ask for it to be replaced (overwrite=True, --overwrite)"
            )
    return page


def _press(wanted: ReportParams, page: Path) -> None:
    """Run the notebook and write the page in a process of its own."""
    order = {
        "notebook": str(TEMPLATES / "comparison.ipynb"),
        "page": str(page),
        "parameters": wanted.model_dump(),
    }
    package = str(Path(workbench.__file__).resolve().parents[1])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "workbench.report.press"],
            input=json.dumps(order),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            cwd=page.parent,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=MAX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RunError(
            f"the report was not ready after {MAX_SECONDS} seconds and was given up"
        ) from None
    if done.returncode != 0:
        told = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise RunError(
            "the report could not be written. It broke off with:\n" + "\n".join(told[-12:])
        )
