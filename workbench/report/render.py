"""One HTML report of a sweep or of one adapter, from stored rows: `render("runs/rank-sweep", "reports/rank-sweep.html")`.

What is asked for is checked here first; then a process of its own runs the report's notebook (`press.py`), so that it works
inside a running kernel and leaves nothing imported there. Beside the page lie the executed notebook and the page's
numbers as JSON. A report made before is copied (`kept.py`). Nothing is overwritten unless asked.
"""

import html
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import RunError, SpecError, StoreError, nearest
from workbench.report import kept
from workbench.report import template as templates
from workbench.report.press import FILES, NOTEBOOK, NUMBERS, PAGE, SWEEP, Order
from workbench.report.pressing import Progress, pressed
from workbench.report.template import Template
from workbench.runs.atomic import replacing
from workbench.runs.status import WORKING
from workbench.runs.store import SweepStore
from workbench.scores.task import BASE

COMPARISON, CARD = "comparison", "card"

BESIDE = {NOTEBOOK: ".ipynb", NUMBERS: ".json"}
"""What lies beside a page, and how it ends there."""

KEPT_IN = ("adapter", "model")
"""Folders of a trial that hold what it learned."""

WITHIN = 3
"""Parts of a path that page and sweep must share for the notebook to name one from the other."""


def render(
    path: str | Path,
    out: str | Path,
    *,
    title: str | None = None,
    template: str | Path | None = None,
    parameters: Mapping[str, Any] | None = None,
    static: bool = False,
    overwrite: bool = False,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write the report of a sweep, or of one trial of it, and return its path.

    Args:
        path: A sweep folder, which may still be running; or a trial in it, `runs/rank-sweep/r8`.
        out: The HTML file to write; beside it go the executed notebook, .ipynb, and the numbers, .json.
        title: The heading; by default it names the sweep or the trial.
        template: A notebook of your own, or `comparison` or `card`; by default the one that fits.
        parameters: What its `parameters` cell is told: primary, baseline, and your own.
        static: Whether figures are drawn as SVG, without a script: a small file.
        overwrite: Whether a report that is there already may be replaced.
        fresh: Whether it is made anew even where the same one was made before.
        progress: Told after each cell how many are done, of how many.
    """
    page = _free(Path(out).absolute(), overwrite=overwrite)
    given = {**({"title": title} if title else {}), **(parameters or {})}
    # Without `..`, so that the folder above a path is the one that holds it.
    place = Path(os.path.abspath(path))  # noqa: PTH100
    wanted = _wanted(place, asked=template, given=given, is_static=static)
    if wanted.template.path == page.with_suffix(".ipynb"):
        raise StoreError(f"{page.name!r} would overwrite its own template; give another name")
    _make_folder(page.parent)
    made = _made(wanted, is_fresh=fresh, progress=progress)
    _place(made, page, sweep=wanted.store.path)
    return page


def default_title(name: str, *, trial: str = "") -> str:
    """The title of a report nobody named."""
    return f"{trial} of {name}" if trial else f"Comparison of {name}"


def _free(page: Path, *, overwrite: bool) -> Path:
    if page.suffix.lower() not in (".html", ".htm"):
        raise StoreError(
            f"a report is an HTML file; got {str(page)!r}, give a name ending in .html"
        )
    if page.is_dir():
        raise StoreError(f"{str(page)!r} is a folder; give the name of a file ending in .html")
    is_there = os.path.lexists(page)
    for taken in (page, *(page.with_suffix(ending) for ending in BESIDE.values())):
        if not os.path.lexists(taken):
            continue
        if not overwrite:
            raise StoreError(
                f"{str(taken)!r} exists already and is not overwritten. "
                "Give another name, or ask for it to be replaced (overwrite=True, --overwrite)"
            )
        if not is_there:
            raise StoreError(
                f"{str(taken)!r} exists already and belongs to no report, so it is not overwritten; give another name"
            )
    return page


@dataclass(frozen=True)
class _Wanted:
    """What a report is to be made of."""

    store: SweepStore
    template: Template
    given: dict[str, Any]
    is_static: bool

    @property
    def title(self) -> str:
        """What the page is called."""
        trial, name = self.given.get("trial"), self.store.spec.name
        return str(self.given.get("title") or default_title(name, trial=trial or ""))


def _wanted(
    path: Path, *, asked: str | Path | None, given: dict[str, Any], is_static: bool
) -> _Wanted:
    """What a path and some words ask for, checked as far as that goes without reading rows."""
    store, trial = _store_and_trial(path)
    template = templates.found(asked or (CARD if trial else COMPARISON))
    if "path" in given:
        raise SpecError("the sweep is the first thing a report is told; leave `path` out")
    given = template.filled(given)
    if trial and not template.has("trial"):
        raise SpecError(
            f"{template.name} is about a whole sweep: it has no parameter 'trial'. Give it {str(store.path)!r}"
        )
    if trial:
        given["trial"] = trial
    elif given.get("trial"):
        _check_trial(store, str(given["trial"]))
    elif template.has("trial") and len(_candidates(store)) != 1:
        first = store.trials[0].name
        raise SpecError(
            f"{template.name} is about one trial; name it behind the sweep, as in {str(store.path / first)!r}. "
            + nearest("", [one.name for one in store.trials])
        )
    wanted = _Wanted(store, template, given, is_static)
    _check_evals(wanted)
    return wanted


def _store_and_trial(path: Path) -> tuple[SweepStore, str]:
    """The sweep that a path names, and the trial where it names one, or the folder of what that one learned."""
    if path.name in KEPT_IN and (path.parent.parent / "status.json").is_file():
        path = path.parent
    is_sweep = (path / "status.json").is_file()
    if not is_sweep and (path.parent / "status.json").is_file():
        store = SweepStore.open(path.parent)
        _check_trial(store, path.name)
        return store, path.name
    if not is_sweep and (path / "adapter_config.json").is_file():
        raise StoreError(
            f"{str(path)!r} is an adapter that nothing was asked of; ask it first, as in "
            f"`workbench eval {path} --evals retention --out runs/{path.name}`, and report that"
        )
    return SweepStore.open(path), ""


def _check_trial(store: SweepStore, name: str) -> None:
    """Refuses what is neither a trial nor a name for its seeds together."""
    known = [trial.name for trial in store.trials]
    if name in known:
        return
    known = list(dict.fromkeys([*_candidates(store), *known]))
    if name not in known:
        raise StoreError(
            f"the sweep {store.path.name!r} has no trial {name!r}. {nearest(name, known)}"
        )


def _candidates(store: SweepStore) -> list[str]:
    from workbench.compare.reading import read

    return [one.name for one in read(store.path).candidates]


def _made(wanted: _Wanted, *, is_fresh: bool, progress: Progress | None) -> dict[str, bytes]:
    """The three files: those kept from before, or new ones."""
    key = _key(wanted)
    known = kept.get(key, files=FILES) if key and not is_fresh else None
    if known is not None:
        return known
    with tempfile.TemporaryDirectory(prefix="workbench-report-") as folder:
        place = Path(folder)
        own = wanted.template.path.parent
        order = Order(
            template=wanted.template.path,
            parameters={"path": str(wanted.store.path), **wanted.given},
            sweep=wanted.store.path,
            title=wanted.title,
            folder=place,
            # As in Jupyter, where a notebook runs in its own folder.
            cwd=place if wanted.template.is_ours else own,
            is_static=wanted.is_static,
        )
        pressed(order, progress=progress)
        # Rows that changed meanwhile would be kept under the name of the old ones.
        if key and key == _key(wanted):
            kept.put(key, place)
        return {name: (place / name).read_bytes() for name in FILES}


def _key(wanted: _Wanted) -> str:
    """The name under which a report is kept; empty where it is not.

    A sweep that still runs has no end yet, and nobody knows what a person's own notebook reads besides.
    """
    state = wanted.store.status().state
    if state in WORKING or not wanted.template.is_ours:
        return ""
    told = {"given": wanted.given, "static": wanted.is_static, "state": state}
    return kept.key_of(wanted.store.path, template=wanted.template.path, told=told)


def _check_evals(wanted: _Wanted) -> None:
    """Refuses an eval or a baseline that the sweep does not have."""
    primary, baseline = (str(wanted.given.get(name) or "") for name in ("primary", "baseline"))
    if not primary and baseline in ("", BASE):
        return
    from workbench.compare.reading import primary_eval, read

    reading = read(wanted.store.path)
    primary_eval(reading, asked=primary or None)
    if baseline not in ("", BASE):
        reading.candidate(baseline)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{str(folder)!r} cannot be made: {error.strerror}. Give a place that can be written"
        ) from None


def _place(made: Mapping[str, bytes], page: Path, *, sweep: Path) -> None:
    """Put the files where they were asked for, with the way from there to the sweep."""
    shared = len(Path(os.path.commonpath([sweep, page.parent])).parts)
    way = os.path.relpath(sweep, page.parent) if shared >= WITHIN else sweep.name
    in_python = json.dumps(way)[1:-1]
    ways = {PAGE: html.escape(in_python), NOTEBOOK: json.dumps(in_python)[1:-1], NUMBERS: way}
    # The page comes last: whoever finds it finds what lies beside it.
    for name in (NUMBERS, NOTEBOOK, PAGE):
        beside = page.with_suffix(BESIDE[name]) if name in BESIDE else page
        content = made[name].replace(SWEEP.encode(), ways[name].encode())
        try:
            with replacing(beside) as temporary:
                temporary.write_bytes(content)
        except RunError as error:
            reason = getattr(error.__cause__, "strerror", None) or error
            raise RunError(f"{str(beside)!r} could not be written: {reason}") from None
