"""What truncations answered: score against rank, each held against the adapter itself on the same items.

`curve(path)` reads the sweep that `asking.ask` made: the figures are those of `compare`, paired on the item and corrected over
all truncations and evals together. It asks nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from markupsafe import Markup

from workbench.compare import Comparison, Difference, Table, compare, wording
from workbench.compare.differences import difference_cell
from workbench.compare.figure import Figure, figure_of
from workbench.compare.markup import Cell, Column, Line, number_column
from workbench.errors import StoreError
from workbench.lens.asking import TRAINED, TRUNCATIONS, UNTRUNCATED
from workbench.runs.store import SweepStore

CAPTION = (
    "A truncation is not the run that would have been trained at that rank; lens.confirm(ranks=[...]) trains it. "
    "Differences are paired on the item, with 95 % intervals; * holds after correction."
)


@dataclass(frozen=True, slots=True)
class Point:
    """One truncation, or an adapter beside them, on one eval."""

    name: str
    rank: int | None
    """What it was cut to; None of what was not cut."""
    figure: Figure | None
    over_untruncated: Difference | None
    """Against the adapter itself, corrected; None of the adapter itself."""


@dataclass(frozen=True, eq=False)
class Curve:
    """Score against rank."""

    comparison: Comparison
    ranks: Mapping[str, int | None]

    @property
    def path(self) -> Path:
        """The sweep of truncations."""
        return self.comparison.path

    @property
    def evals(self) -> tuple[str, ...]:
        """What was asked."""
        return self.comparison.reading.evals

    @cached_property
    def _differences(self) -> dict[tuple[str, str], Difference]:
        return {(one.of, one.eval): one for one in self.comparison.differences}

    def points(self, eval: str = "") -> tuple[Point, ...]:
        """Truncations by rank, then the adapter itself, then what was trained; of the primary eval unless one is named."""
        eval = eval or self.comparison.primary
        cut = sorted((rank, name) for name, rank in self.ranks.items() if rank is not None)
        whole = [name for name, rank in self.ranks.items() if rank is None]
        return tuple(
            Point(
                name=name,
                rank=self.ranks[name],
                figure=figure_of(self.comparison.reading, name, eval),
                over_untruncated=self._differences.get((name, eval)),
            )
            for name in (*(name for _, name in cut), *whole)
        )

    def table(self, eval: str = "") -> Table:
        """The points of one eval."""
        eval = eval or self.comparison.primary
        sort = self.comparison.reading.sort_of(eval)
        unit = sort.unit if sort else ""
        columns = (
            Column(key="trial", title="adapter"),
            number_column("score", eval, note=wording.shown_unit(unit)),
            number_column("over_untruncated", f"minus {UNTRUNCATED}"),
            number_column("n", "n"),
        )
        lines = tuple(_line(point, unit=unit) for point in self.points(eval))
        return Table(columns=columns, lines=lines, caption=CAPTION)

    def _repr_html_(self) -> str:
        return str(Markup("").join(self.table(eval).styled() for eval in self.evals))

    def __repr__(self) -> str:
        return "\n\n".join([*(repr(self.table(eval)) for eval in self.evals), CAPTION])


def curve(path: str | Path) -> Curve:
    """The curve of a sweep of truncations."""
    path = Path(path)
    stored = SweepStore.open(path).read_json(TRUNCATIONS, default=None)
    if not isinstance(stored, dict):
        raise StoreError(
            f"{str(path)!r} is no sweep of truncations; make one with lens.evaluate() or workbench lens PATH "
            "--evaluate"
        )
    return Curve(compare(path, baseline=UNTRUNCATED), stored["ranks"])


def _line(point: Point, *, unit: str) -> Line:
    figure, apart = point.figure, point.over_untruncated
    score = Cell(raw=None, text=wording.MISSING)
    if figure is not None:
        between = wording.interval(figure.low, figure.high, unit)
        score = Cell(raw=figure.value, text=wording.number(figure.value, unit), beside=between)
    over = Cell(raw=None, text="") if apart is None else difference_cell(apart)
    n = figure.n if figure else 0
    name = point.name.removeprefix(TRAINED)
    said = f"trained: {name}" if point.name != name else point.name
    kept = ("low", "high", "p_corrected", "correction")
    return Line(
        cells=(Cell(raw=point.name, text=said), score, over, Cell(raw=n, text=str(n))),
        tone="strong" if point.name == UNTRUNCATED else "",
        more=tuple((f"over_{part}", getattr(apart, part, None)) for part in kept),
    )
