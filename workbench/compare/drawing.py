"""What every figure of a comparison has: a `Chart` with its words and its numbers, and the `Drawing` it is made from.

A `Chart` shows itself in a notebook; a `Drawing` holds the reading, the order of its trials and their colours. What is
drawn is in `charts.py` and `curves.py`.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from workbench.compare import wording
from workbench.compare.marks import PALETTE, QUIET
from workbench.compare.markup import Table
from workbench.compare.reading import Reading
from workbench.compare.table import Standing, ranking
from workbench.scores.task import BASE, Score

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Chart:
    """One figure with its words and its numbers."""

    id: str
    title: str
    figure: dict[str, Any]
    """`data` and `layout` for plotly, of plain lists."""
    alt: str
    """What the figure shows, in words."""
    table: Table
    caption: str = ""

    def frame(self) -> "pd.DataFrame":
        """The numbers that are drawn."""
        return self.table.frame()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {
            "application/vnd.plotly.v1+json": {**self.figure, "config": {"displaylogo": False}},
            "text/html": self._repr_html_(),
            "text/plain": f"{self.title}: {self.alt}",
        }

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


@dataclass(frozen=True)
class Drawing:
    """What the figures of one comparison have in common: the reading, its order and its colours."""

    reading: Reading
    lines: tuple[Standing, ...]
    primary: str
    baseline: str = BASE

    def line(self, name: str) -> Standing:
        """The line of the base or of a candidate."""
        return next(one for one in self.lines if one.name == name)

    @cached_property
    def colours(self) -> dict[str, str]:
        """A colour for each candidate: one for each where that can be told apart, else the best alone."""
        names = [one.name for one in self.reading.candidates]
        if len(names) <= len(PALETTE):
            return dict(zip(names, PALETTE, strict=False))
        best = ranking(self.reading, primary=self.primary) if self.primary else []
        first = best[0].name if best else ""
        return {name: PALETTE[0] if name == first else QUIET for name in names}

    def axis(self, eval: str) -> str:
        """An eval as the name of an axis, with its unit."""
        unit = wording.shown_unit(self._sort(eval).unit)
        return f"{eval}, {unit}" if unit else eval

    def _sort(self, eval: str) -> Score:
        sort = self.reading.sort_of(eval)
        assert sort is not None
        return sort
