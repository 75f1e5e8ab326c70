"""The widget of a slider: a range input with a name that screen readers hear, and the card of the value it stands at.

It is apart from `slider.py` because anywidget is loaded only where a slider is made.
"""

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from workbench.lessons.cards import STYLE
from workbench.widgets.fallback import beside


class Slider(anywidget.AnyWidget):
    """A choice of one of a few values, and what each comes to."""

    _esm = (Path(__file__).parent / "slider.js").read_text(encoding="utf-8")
    _css = STYLE

    label = traitlets.Unicode().tag(sync=True)
    words = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """The values, as they are written."""
    cards = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """HTML, one a value."""
    at = traitlets.Int(0).tag(sync=True)
    """Which value it stands at, counted from 0."""

    def __init__(self, *, text: str, html: str, **traits: Any) -> None:
        super().__init__(**traits)
        self._text, self._html = text, html

    @traitlets.validate("at")
    def _at_one_of_them(self, proposal: Any) -> int:
        return int(min(max(proposal["value"], 0), max(len(self.words) - 1, 0)))

    def _repr_mimebundle_(self, **wanted: Any) -> Any:
        return beside(super()._repr_mimebundle_(**wanted), text=self._text, html=self._html)
