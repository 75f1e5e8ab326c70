"""A part of the panel that is closed at first: `Fold("More", said="...", body=[...])`.

The page opens and closes it by itself, so that it answers while the kernel is busy; `on_open` is called whenever it is
opened, for what is made only when somebody wants to see it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import anywidget
import ipywidgets
import traitlets

from workbench.widgets.assets import script, style
from workbench.widgets.callbacks import reachable


class FoldHead(anywidget.AnyWidget):
    """The button that opens and closes."""

    _esm = script("fold")
    _css = style("panel")

    title = traitlets.Unicode().tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)
    """What is inside, in a few words."""
    is_open = traitlets.Bool(default_value=False).tag(sync=True)


class Fold(ipywidgets.VBox):
    """A head, and a body that is shown while it is open."""

    def __init__(
        self,
        title: str,
        *,
        body: Sequence[ipywidgets.Widget] = (),
        on_open: Callable[[], None] | None = None,
    ) -> None:
        self.head = FoldHead(title=title)
        self.body = ipywidgets.VBox(list(body))
        self._on_open = on_open
        super().__init__([self.head, self.body])
        self.add_class("wb-fold")
        self.head.add_class("wb-fold-head")
        self.body.add_class("wb-fold-body")
        self.head.observe(self._opened, names=["is_open"])
        reachable(self)

    @property
    def is_open(self) -> bool:
        """Whether its body is shown; may be set."""
        return bool(self.head.is_open)

    @is_open.setter
    def is_open(self, value: bool) -> None:
        self.head.is_open = value

    def _opened(self, _: Any) -> None:
        if self.is_open and self._on_open is not None:
            self._on_open()
