"""A row of chips: small toggle buttons of which one, or several, are on.

`Chips({"1": 1, "2": 2}, exclusive=False, ...)` has the values that are on as its trait `value`; `offer()` changes what
there is to choose from. A press and a change by the program may come from two threads at once; the lock it is given
keeps them apart. It knows nothing of what the values mean.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import ipywidgets
import traitlets

from workbench.widgets.callbacks import reachable


class Chips(ipywidgets.HBox):
    """Toggle buttons with the chosen values as one tuple."""

    value = traitlets.Tuple()

    def __init__(
        self,
        labels: Mapping[str, Any],
        *,
        exclusive: bool,
        hint: str,
        lock: AbstractContextManager[Any],
    ) -> None:
        super().__init__()
        self.add_class("wb-chips")
        self.exclusive = exclusive
        self.hint = hint
        if exclusive:
            self.add_class("wb-one")
        self._lock = lock
        self._values: list[Any] = []
        self._quiet = False
        self.offer(labels)
        self.observe(self._show, names=["value"])

    @property
    def buttons(self) -> dict[Any, ipywidgets.ToggleButton]:
        """The button of each value."""
        return dict(zip(self._values, self.children, strict=True))

    def offer(self, labels: Mapping[str, Any]) -> None:
        """Change what there is to choose from; what is chosen stays chosen."""
        if list(labels.values()) == self._values:
            return
        self._values = list(labels.values())
        self.children = [self._button(label, value) for label, value in labels.items()]

    def set_disabled(self, reason: str) -> None:
        """Lock the chips, or unlock them when there is no reason to."""
        for button in self.children:
            button.disabled = bool(reason)

    def _button(self, label: str, value: Any) -> ipywidgets.ToggleButton:
        button = ipywidgets.ToggleButton(
            description=label, value=value in self.value, tooltip=f"{self.hint} {label}".strip()
        )
        button.observe(self._pressed, names=["value"])
        reachable(button)
        return button

    def _pressed(self, change: Any) -> None:
        with self._lock:
            if self._quiet:
                return
            # What was pressed counts, not how the buttons stand: another thread may have set them since.
            pressed = next(v for v, b in self.buttons.items() if b is change["owner"])
            chosen = {pressed} if self.exclusive else set(self.value) - {pressed}
            if change["new"]:
                chosen.add(pressed)
            self.value = tuple(value for value in self._values if value in chosen)
            self._show()  # a second press must not leave an exclusive row without a choice

    def _show(self, _: Any = None) -> None:
        with self._lock:
            self._quiet = True
            try:
                for value, button in self.buttons.items():
                    button.value = value in self.value
            finally:
                self._quiet = False
