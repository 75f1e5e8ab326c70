"""The rows of "Also try": a field of the spec, and the values that the sweep gives it.

`AlsoTry(take=...)` draws `rows`; what a person does arrives at `take(rows)` as the rows that are wanted now. It knows no
spec: which fields there are, and what is wrong with a row, is told to it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anywidget
import traitlets

from workbench.widgets.assets import script, style
from workbench.widgets.axes import example
from workbench.widgets.callbacks import reachable

Rows = tuple[tuple[str, str], ...]


class AlsoTry(anywidget.AnyWidget):
    """Rows that may be added and removed."""

    _esm = script("also_try")
    _css = style("panel")

    offered: traitlets.List[Any] = traitlets.List(read_only=True).tag(sync=True)
    """Fields to choose from, with what the form calls them and an example."""
    rows: traitlets.List[Any] = traitlets.List(read_only=True).tag(sync=True)
    """Each with its field, its values, whether it is held as it is, and what is wrong with it."""

    def __init__(self, labels: Mapping[str, str], *, take: Callable[[Rows], None]) -> None:
        super().__init__()
        self.set_trait("offered", [[key, label, example(key)] for key, label in labels.items()])
        self._take = take
        self.on_msg(self._on_message)
        reachable(self)

    @property
    def written(self) -> Rows:
        """The rows as they stand."""
        return tuple((row["field"], row["values"]) for row in self.rows)

    def show(self, rows: Sequence[tuple[str, str]], *, problems: Mapping[str, str]) -> None:
        """Show these rows."""
        self.set_trait(
            "rows",
            [
                {
                    "field": key,
                    "values": text,
                    "linked": "," in key,
                    "wrong": problems.get(f"also:{key}", ""),
                }
                for key, text in rows
            ],
        )

    def add(self, key: str = "", values: str = "") -> None:
        """One row more."""
        self._take((*self.written, (key, values)))

    def remove(self, place: int) -> None:
        """One row less."""
        self._take(tuple(row for at, row in enumerate(self.written) if at != place))

    def change(self, place: int, *, key: str, values: str) -> None:
        """Another field, or other values, in a row."""
        rows = [(key, values) if at == place else row for at, row in enumerate(self.written)]
        self._take(tuple(rows))

    def _on_message(self, _: Any, content: Any, __: Any) -> None:
        if not isinstance(content, dict):
            return
        place = content.get("row")
        match content.get("command"):
            case "add":
                self.add()
            case "remove" if isinstance(place, int):
                self.remove(place)
            case "change" if isinstance(place, int):
                self.change(place, key=str(content.get("field")), values=str(content.get("values")))
