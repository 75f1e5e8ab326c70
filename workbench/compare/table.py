"""The leaderboard and the differences beside it, made from one `Reading`.

`standings(reading, primary=...)` orders the candidates and says who shares the first place; `leaderboard(...)` is the
table people see, `against_baseline(...)` and `contrast(...)` are what `differences.py` shows. Every figure comes with its interval and n;
trials that failed stay in, with their reason. It forms no verdict.
"""

import itertools
import math
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from workbench.compare import wording
from workbench.compare.differences import ARROW, counted_items
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.compare.pairing import Difference, corrected, difference
from workbench.compare.reading import Candidate, Reading
from workbench.scores.task import BASE, Score
from workbench.stats.intervals import mean_interval, median_interval, within

MAX_PAIRS = 2016
"""Pairs tested one by one (64 candidates); beyond, only those with the best, and corrected more strictly."""


class Figure(BaseModel):
    """What one candidate got on one eval."""

    model_config = ConfigDict(frozen=True)

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    clusters: int = 0
    errors: int = 0
    truncated: int = 0
    method: str = ""
    by_seed: dict[str, float] = {}
    """Trial -> its own value, where there is more than one seed."""

    @property
    def seed_low(self) -> float | None:
        """The lowest value of any seed."""
        return min(self.by_seed.values(), default=None)

    @property
    def seed_high(self) -> float | None:
        """The highest value of any seed."""
        return max(self.by_seed.values(), default=None)


class Standing(BaseModel):
    """One line of the leaderboard."""

    model_config = ConfigDict(frozen=True)

    name: str
    place: str = ""
    """`1`, `1=` where the first place is shared, empty for the base and for what has no figure."""
    is_tied: bool = False
    """Whether it cannot be told from the best."""
    state: str = "done"
    reason: str = ""
    trainable_parameters: int | None = None
    seeds: tuple[int, ...] = ()
    varied: dict[str, Any] = {}
    figures: dict[str, Figure] = {}


def standings(
    reading: Reading, *, primary: str, contests: list[Difference]
) -> tuple[Standing, ...]:
    """Base first, then the candidates from best to worst on the primary eval, then those without a figure."""
    ranked = ranking(reading, primary=primary)
    tied = _not_told_apart(ranked, contests)
    lines = [Standing(name=BASE, figures=_figures(reading, BASE))]
    for place, one in enumerate(ranked, start=1):
        shares = bool(tied) and (place == 1 or one.name in tied)
        shown = "1=" if shares else str(place)
        lines.append(_standing(reading, one, place=shown, is_tied=shares))
    without = [one for one in reading.candidates if one not in ranked]
    return (*lines, *(_standing(reading, one, place="", is_tied=False) for one in without))


def ranking(reading: Reading, *, primary: str) -> list[Candidate]:
    """Candidates with a figure on the primary eval, best first; of equals the cheaper one."""
    sort = reading.sort_of(primary)
    sign = 1.0 if sort is not None and sort.better == "lower" else -1.0
    values = {one.name: _figure(reading, one.name, primary) for one in reading.candidates}
    scored = [one for one in reading.candidates if _has_value(values[one.name])]

    def order(one: Candidate) -> tuple[float, float]:
        figure = values[one.name]
        assert figure is not None
        assert figure.value is not None
        size = one.trainable_parameters
        return sign * figure.value, math.inf if size is None else size

    return sorted(scored, key=order)


def contests(reading: Reading, *, primary: str) -> list[Difference]:
    """The better against the worse of each pair of candidates, Holm's correction over all pairs.

    All pairs are the family, because which of them is looked at (the best against the rest) is chosen by the data.
    """
    names = [one.name for one in ranking(reading, primary=primary)]
    pairs = list(itertools.combinations(names, 2))
    if len(pairs) <= MAX_PAIRS:
        return corrected([difference(reading, a, b, eval=primary) for a, b in pairs])
    with_best = [difference(reading, names[0], b, eval=primary) for b in names[1:]]
    return [
        one
        if one.p is None
        else one.model_copy(update={"p_corrected": min(1.0, one.p * len(pairs))})
        for one in with_best
    ]


def against_baseline(reading: Reading, *, baseline: str) -> list[Difference]:
    """Each candidate (and the base) against a pinned baseline on every eval, Holm over all of them."""
    names = [BASE, *(one.name for one in reading.candidates)]
    scored = {slot for slot, _ in reading.scores}
    shown = [
        name
        for name in names
        if name != baseline
        and (name in scored or (name != BASE and scored & set(reading.candidate(name).trials)))
    ]
    return corrected(
        [difference(reading, name, baseline, eval=e) for name in shown for e in reading.evals]
    )


def contrast(reading: Reading, of: str, against: str) -> list[Difference]:
    """Two candidates on every eval, Holm over the evals."""
    return corrected([difference(reading, of, against, eval=eval) for eval in reading.evals])


def cheapest(reading: Reading, *, primary: str) -> Candidate | None:
    """The candidate with a figure that trains the fewest parameters; None when nobody counted or all are equal."""
    ranked = ranking(reading, primary=primary)
    sized = [one for one in ranked if one.trainable_parameters is not None]
    if len({one.trainable_parameters for one in sized}) < 2:
        return None
    return min(sized, key=lambda one: one.trainable_parameters or 0)


def leaderboard(reading: Reading, lines: tuple[Standing, ...], *, primary: str) -> Table:
    """Trials x evals, with only the fields of the config that differ."""
    show_state = any(line.state != "done" for line in lines)
    show_seeds = len({len(line.seeds) for line in lines if line.seeds}) > 1
    evals = [primary, *(e for e in reading.evals if e != primary)] if primary else []
    columns = [Column(key="trial", title="trial"), Column(key="place", title="place")]
    columns += [number_column(f, f.rsplit(".", 1)[-1]) for f in _more_than_the_name(reading)]
    columns.append(number_column("trainable_parameters", "trainable", note="parameters"))
    columns += [
        number_column(e, e, note=_note(reading.sort_of(e)), count=_counted(lines, e)) for e in evals
    ]
    if show_seeds:
        columns.append(number_column("seeds", "seeds"))
    if show_state:
        columns.append(Column(key="state", title="state"))
    keys = [column.key for column in columns]
    body = tuple(_line(reading, line, keys=keys, evals=evals, primary=primary) for line in lines)
    return Table(columns=tuple(columns), lines=body, caption=_leaderboard_caption(lines, primary))


def _standing(reading: Reading, one: Candidate, *, place: str, is_tied: bool) -> Standing:
    ends = [reading.outcomes[trial] for trial in one.trials]
    states = list(dict.fromkeys(end.state for end in ends))
    several = len(one.trials) > 1
    reasons = [
        f"{trial}: {end.reason}" if several else end.reason
        for trial, end in zip(one.trials, ends, strict=True)
        if end.reason
    ]
    return Standing(
        name=one.name,
        place=place,
        is_tied=is_tied,
        state=", ".join(states),
        reason="; ".join(reasons),
        trainable_parameters=one.trainable_parameters,
        seeds=one.seeds,
        varied=one.varied,
        figures=_figures(reading, one.name),
    )


def _figures(reading: Reading, name: str) -> dict[str, Figure]:
    found = {eval: _figure(reading, name, eval) for eval in reading.evals}
    return {eval: figure for eval, figure in found.items() if figure is not None}


def _figure(reading: Reading, name: str, eval: str) -> Figure | None:
    slots = (BASE,) if name == BASE else reading.candidate(name).trials
    stored = {slot: score for slot in slots if (score := reading.score(slot, eval)) is not None}
    if not stored:
        return None
    if len(stored) == 1:
        (score,) = stored.values()
        kept = ("value", "low", "high", "n", "clusters", "errors", "truncated", "method")
        return Figure(**{field: getattr(score, field) for field in kept})
    by_seed = {slot: score.value for slot, score in stored.items() if score.value is not None}
    counted = {
        "errors": sum(score.errors for score in stored.values()),
        "truncated": sum(score.truncated for score in stored.values()),
        "by_seed": by_seed,
    }
    value = float(np.mean(list(by_seed.values()))) if by_seed else None
    answers, way = reading.answers(name, eval), reading.summed_up_by(name, eval)
    if answers is None or value is None or way is None:
        return Figure(value=value, n=min(one.n for one in stored.values()), **counted)
    is_scored = np.isfinite(answers.values)
    clusters = [one for one, keep in zip(answers.clusters, is_scored, strict=True) if keep]
    kept = answers.values[is_scored]
    made = mean_interval(kept, clusters=clusters) if way == "mean" else median_interval(kept)
    low, high, method = made.low, made.high, made.method
    if all(wording.is_share(score.unit) for score in stored.values()):
        low, high, method = within(low, high, method, least=0, most=1)
    middle = "averaged" if way == "mean" else "at their median"
    method = f"{method}, over items {middle} over {len(stored)} seeds"
    ends = {"low": low, "high": high, "n": made.n, "clusters": made.clusters}
    # The median over items of medians over seeds is no mean of medians; the interval is that of the former.
    value = value if way == "mean" else made.value
    return Figure(value=value, method=method, **ends, **counted)


def _has_value(figure: Figure | None) -> bool:
    return figure is not None and figure.value is not None and math.isfinite(figure.value)


def _not_told_apart(ranked: list[Candidate], contests: list[Difference]) -> set[str]:
    if not ranked:
        return set()
    best = ranked[0].name
    return {
        one.against for one in contests if one.of == best and one.p is not None and not one.is_found
    }


def _more_than_the_name(reading: Reading) -> list[str]:
    """The differing fields, unless there is one and the trial's name already says it."""
    return list(reading.differing) if len(reading.differing) > 1 else []


def _note(score: Score | None) -> str:
    if score is None:
        return ""
    unit = wording.shown_unit(score.unit)
    words = [f"{unit} {ARROW.get(score.better, '')}".strip()]
    if score.chance is not None:
        words.append(f"chance {score.chance * wording.scale(score.unit):.3g}")
    return ", ".join(word for word in words if word)


def _counted(lines: tuple[Standing, ...], eval: str) -> str:
    figures = [line.figures[eval] for line in lines if eval in line.figures]
    return counted_items([one.n for one in figures if one.value is not None])


def _line(
    reading: Reading, line: Standing, *, keys: list[str], evals: list[str], primary: str
) -> Line:
    cells, more = [], []
    for key in keys:
        if key in evals:
            figure = line.figures.get(key)
            cells.append(_figure_cell(reading, figure, key, with_seeds=key == primary))
        else:
            cells.append(_plain_cell(line, key))
    for eval in evals:
        figure = line.figures.get(eval)
        parts = ("low", "high", "n", "errors", "truncated", "seed_low", "seed_high")
        more += [(f"{eval}_{part}", getattr(figure, part, None)) for part in parts]
        sort = reading.sort_of(eval)
        more.append((f"{eval}_chance", sort.chance if sort else None))
    more += [("seeds", len(line.seeds)), ("reason", line.reason)]
    is_first = line.place in {"1", "1="}
    quiet = line.name == BASE or primary not in line.figures
    return Line(
        cells=tuple(cells),
        more=tuple(more),
        tone="strong" if is_first else "quiet" if quiet else "",
    )


def _plain_cell(line: Standing, key: str) -> Cell:
    if key == "trial":
        return Cell(raw=line.name, text=line.name)
    if key == "place":
        return Cell(raw=line.place, text=line.place)
    if key == "trainable_parameters":
        raw = line.trainable_parameters
        return Cell(raw=raw, text="" if line.name == BASE else wording.count(raw))
    if key == "seeds":
        return Cell(raw=len(line.seeds), text=str(len(line.seeds)) if line.seeds else "")
    if key == "state":
        return Cell(
            raw=line.state, text="" if line.name == BASE else line.state, beside=line.reason
        )
    raw = line.varied.get(key)
    return Cell(raw=raw, text="" if raw is None else _value_text(raw))


def _value_text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _figure_cell(reading: Reading, figure: Figure | None, eval: str, *, with_seeds: bool) -> Cell:
    sort = reading.sort_of(eval)
    unit = sort.unit if sort else ""
    if figure is None:
        return Cell(raw=None, text=wording.MISSING)
    ends = [wording.number(value, unit) for value in (figure.seed_low, figure.seed_high)]
    return Cell(
        raw=figure.value,
        text=wording.number(figure.value, unit),
        beside=wording.interval(figure.low, figure.high, unit),
        under="–".join(ends) if with_seeds and len(figure.by_seed) > 1 else "",
    )


def _leaderboard_caption(lines: tuple[Standing, ...], primary: str) -> str:
    if not primary:
        return "No trial has been evaluated."
    caption = f"Sorted by {primary}; 95 % intervals in brackets, n items."
    if any(len(line.seeds) > 1 for line in lines):
        counts = sorted({len(line.seeds) for line in lines if line.seeds})
        seeds = f"{counts[0]} seeds" if len(counts) == 1 else "seeds"
        caption += (
            f" Figures are means over {seeds}, intervals are over items; the range after {primary} is"
            " from the lowest to the highest seed."
        )
    if any(line.is_tied for line in lines):
        caption += " 1= marks trials that cannot be told apart from the best."
    return caption
