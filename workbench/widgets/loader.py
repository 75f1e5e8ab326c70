"""Loading into the form: one of the newest sweeps of a folder, or a path to a spec or a sweep.

`Loader(runs, take=...)` lists what is there when a person opens the list; what is chosen arrives at `take(path)`.
`spec_at(path)` reads the spec of a YAML file or of a sweep's folder. Nothing is kept: the folder is looked at anew.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from workbench.errors import SpecError, WorkbenchError
from workbench.runs.status import read_status
from workbench.runs.store import SweepStore, find_sweeps
from workbench.spec import Spec
from workbench.widgets.assets import script, style
from workbench.widgets.callbacks import reachable

NEWEST = 20
"""Sweeps that are offered."""


def spec_at(path: str | Path) -> Spec:
    """The spec of a YAML file, or of the folder of a sweep."""
    path = Path(path).expanduser()
    return SweepStore.open(path).spec if path.is_dir() else Spec.load(path)


def newest(runs: Path) -> list[list[str]]:
    """The newest sweeps of a folder: path, name and how each stands."""
    found = []
    for path in find_sweeps(runs, most=NEWEST):
        try:
            state = read_status(path / "status.json").state
            made = (path / "spec.yaml").stat().st_mtime
        except (WorkbenchError, OSError):
            continue  # gone, or half-written, since it was found
        found.append([str(path), f"{path.name} · {state} · {_ago(time.time() - made)}"])
    return found


def _ago(seconds: float) -> str:
    """How long ago, in one figure.

    >>> _ago(30), _ago(7300), _ago(200_000)
    ('just now', '2 h ago', '2 d ago')
    """
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return "just now"


class Loader(anywidget.AnyWidget):
    """A list of sweeps, and a field for a path."""

    _esm = script("loader")
    _css = style("panel")

    folder = traitlets.Unicode(read_only=True).tag(sync=True)
    sweeps: traitlets.List[Any] = traitlets.List(read_only=True).tag(sync=True)
    problem = traitlets.Unicode(read_only=True).tag(sync=True)
    loaded = traitlets.Unicode(read_only=True).tag(sync=True)
    """What was loaded last."""

    def __init__(self, runs: Path, *, take: Callable[[Spec], None]) -> None:
        super().__init__()
        self.runs = runs
        self.set_trait("folder", str(runs))
        self._take = take
        self.on_msg(self._on_message)
        reachable(self)

    def look(self) -> None:
        """List what is there now."""
        try:
            self.set_trait("sweeps", newest(self.runs))
        except WorkbenchError as error:
            self.set_trait("problem", str(error))

    def load(self, path: str) -> None:
        """Load a spec into the form; what is wrong with it is said beside the list."""
        self.set_trait("problem", "")
        self.set_trait("loaded", "")
        try:
            if not path.strip() or "\0" in path:
                raise SpecError(f"got {path!r}; give a YAML file or the folder of a sweep")
            self._take(spec_at(path.strip()))
            self.set_trait("loaded", Path(path.strip()).name)
        except (WorkbenchError, OSError, ValueError) as error:
            self.set_trait("problem", str(error))

    def _on_message(self, _: Any, content: Any, __: Any) -> None:
        if not isinstance(content, dict):
            return
        if content.get("command") == "look":
            self.look()
        elif content.get("command") == "load":
            self.load(str(content.get("path", "")))
