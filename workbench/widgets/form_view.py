"""Groups of fields in the page: texts, choices, flags and rows of chips, each with its note beside it.

`FormView(groups, take=...)` draws `values`, `options` and `notes`; what a person does arrives at `take(what, field, value)`
as `set` (a text, a choice or a flag), `on` and `off` (a chip), or `add` (a value that no chip has). One widget holds
many fields, because each widget of its own costs the page a message and a moment. It knows nothing of what they mean.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import anywidget
import traitlets

from workbench.widgets.assets import script, style
from workbench.widgets.callbacks import reachable


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One field, as it is drawn."""

    field: str
    label: str
    kind: str = "text"
    """text, choice, flag, chips (of which several may be on) or one (of them)."""
    hint: str = ""
    placeholder: str = ""
    choices: tuple[str, ...] = ()
    slow: bool = False
    """Whether it is read only when it is left."""
    other: str = ""
    """Chips: what stands in the field for a value that no chip has; empty leaves it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows under one title."""

    rows: tuple[Row, ...]
    title: str = ""
    fold: bool = False
    """Whether it is closed at first."""
    columns: int = 0


class FormView(anywidget.AnyWidget):
    """Some fields of a form."""

    _esm = script("form")
    _css = style("panel")

    groups: traitlets.List[Any] = traitlets.List(read_only=True).tag(sync=True)
    options = traitlets.Dict(read_only=True).tag(sync=True)
    """Field of chips -> a list of value, label and explanation."""
    values = traitlets.Dict(read_only=True).tag(sync=True)
    notes = traitlets.Dict(read_only=True).tag(sync=True)
    """Field -> text, whether it is a mistake, and whether the field is held."""
    heard = traitlets.Dict(read_only=True).tag(sync=True)
    """Field -> the view and the number of the last message that is in `values`."""

    def __init__(self, groups: Sequence[Group], *, take: Callable[[str, str, Any], None]) -> None:
        super().__init__()
        self.set_trait("groups", [_plain(asdict(group)) for group in groups])
        self.fields = tuple(row.field for group in groups for row in group.rows)
        self._take = take
        self.on_msg(self._on_message)
        reachable(self)

    def show(
        self,
        values: Mapping[str, Any],
        *,
        options: Mapping[str, Sequence[tuple[Any, str, str]]] | None = None,
    ) -> None:
        """Show these values, as far as they are of fields in this view."""
        if options is not None:
            own = {f: [list(o) for o in options[f]] for f in self.fields if f in options}
            self.set_trait("options", own)
        self.set_trait("values", {f: _plain(values[f]) for f in self.fields if f in values})

    def tell(self, notes: Mapping[str, Mapping[str, Any]]) -> None:
        """Show what stands beside each field."""
        self.set_trait("notes", {f: dict(notes[f]) for f in self.fields if f in notes})

    def press(self, field: str, value: Any, *, on: bool = True) -> None:
        """What a press of a chip does."""
        self._take("on" if on else "off", field, value)

    def write(self, field: str, value: Any) -> None:
        """What writing into a field does."""
        self._take("set", field, value)

    def add(self, field: str, value: str) -> None:
        """What writing beside chips does."""
        self._take("add", field, value)

    def _on_message(self, _: Any, content: Any, __: Any) -> None:
        if not isinstance(content, dict) or content.get("field") not in self.fields:
            return
        field, value = content["field"], content.get("value")
        match content.get("command"):
            case "set":
                self.write(field, value)
            case "press":
                self.press(field, value, on=bool(content.get("on")))
            case "add":
                self.add(field, str(value))
        # Only now: what the page drew in advance is put right by the values that are the answer to it.
        self.set_trait("heard", {**self.heard, field: [content.get("view"), content.get("number")]})


def _plain(value: Any) -> Any:
    """Lists in the place of tuples, so that what comes back from the page equals what went there."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
