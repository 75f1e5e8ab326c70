"""The leaderboard and the differences beside it, made from one `Reading`.

`standings(reading, primary=...)` orders the candidates and says who shares the first place; `leaderboard(...)` is the
table people see, `against_baseline(...)` and `contrast(...)` are what `differences.py` shows. Every figure comes with its interval and n;
trials that failed stay in, with their reason. It forms no verdict.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from workbench.compare import wording
from workbench.compare.calibration import MARK, failed_evals
from workbench.compare.differences import ARROW, MARKED, SEEN_FROM, counted_items
from workbench.compare.family import corrected, of_many
from workbench.compare.figure import PARTS, Figure, figure_of, has_value
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.compare.pairing import Difference, difference
from workbench.compare.reading import Candidate, Reading
from workbench.naming import storage_name
from workbench.scores.task import BASE, Score

MAX_PAIRS = 2016
"""Pairs tested one by one (64 candidates); beyond, and for scores that are scored again for every draw, only those
with the best, and corrected more strictly."""


HELD = ("weights", "adapter", "gradients", "optimizer")
"""The parts of a predicted memory that do not depend on the batch."""


NAMED = ("adapter.adapter_name", "adapter.rank_pattern", "adapter.alpha_pattern")
"""What the name of its own that an adapter has says shorter than a column."""


class Standing(BaseModel):
    """One line of the leaderboard."""

    model_config = ConfigDict(frozen=True)

    name: str
    place: str = ""
    """`1`, `1=` where the first place is shared, empty for the base and for what has no figure."""
    is_tied: bool = False
    """Whether it cannot be told from the best."""
    detectable: float | None = None
    """Of one that cannot: the lead of the best that would have been found 4 times in 5."""
    state: str = "done"
    reason: str = ""
    trainable_parameters: int | None = None
    held_bytes: int | None = None
    """Predicted, of weights, adapter, gradients and optimizer; told where trials store their bases differently."""
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
        place_told = {"place": "1=" if shares else str(place), "is_tied": shares}
        told = {**place_told, "detectable": tied.get(one.name)}
        lines.append(_standing(reading, one).model_copy(update=told))
    without = [one for one in reading.candidates if one not in ranked]
    return (*lines, *(_standing(reading, one) for one in without))


def ranking(reading: Reading, *, primary: str) -> list[Candidate]:
    """Candidates with a figure on the primary eval, best first; of equals the cheaper one."""
    sort = reading.sort_of(primary)
    sign = 1.0 if sort is not None and sort.better == "lower" else -1.0
    values = {one.name: figure_of(reading, one.name, primary) for one in reading.candidates}
    scored = [one for one in reading.candidates if has_value(values[one.name])]

    def order(one: Candidate) -> tuple[float, float]:
        figure = values[one.name]
        assert figure is not None
        assert figure.value is not None
        size = one.trainable_parameters
        return sign * figure.value, math.inf if size is None else size

    return sorted(scored, key=order)


def contests(reading: Reading, *, primary: str) -> list[Difference]:
    """The better against the worse of each pair of candidates, corrected over all pairs.

    All pairs are the family, because which of them is looked at (the best against the rest) is chosen by the data.
    """
    names = [one.name for one in ranking(reading, primary=primary)]
    pairs = list(itertools.combinations(names, 2))
    is_cheap = all(reading.summed_up_by(name, primary) is not None for name in names)
    if len(pairs) <= MAX_PAIRS and is_cheap:
        return corrected(reading, [difference(reading, a, b, eval=primary) for a, b in pairs])
    with_best = [difference(reading, names[0], b, eval=primary) for b in names[1:]]
    return of_many(reading, with_best, of=len(pairs))


def against_baseline(reading: Reading, *, baseline: str) -> list[Difference]:
    """Each candidate (and the base) against a pinned baseline on every eval, all of them one family."""
    names = [BASE, *(one.name for one in reading.candidates)]
    scored = {slot for slot, _ in reading.scores}
    shown = [
        name
        for name in names
        if name != baseline
        and (name in scored or (name != BASE and scored & set(reading.candidate(name).trials)))
    ]
    return corrected(
        reading,
        [difference(reading, name, baseline, eval=e) for name in shown for e in reading.evals],
    )


def contrast(reading: Reading, of: str, against: str) -> list[Difference]:
    """Two candidates on every eval, the evals one family."""
    found = [difference(reading, of, against, eval=eval) for eval in reading.evals]
    return corrected(reading, found)


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
    failed = failed_evals(reading)
    columns = [Column(key="trial", title="trial"), Column(key="place", title="place")]
    columns += [number_column(f, f.rsplit(".", 1)[-1]) for f in _more_than_the_name(reading)]
    columns.append(number_column("trainable_parameters", "trainable", note="parameters"))
    if any(line.held_bytes for line in lines):
        columns.append(number_column("held_bytes", "memory", note="MB, predicted"))
    columns += [
        number_column(
            e,
            e + (MARK if e in failed else ""),
            note=_note(reading.sort_of(e)),
            count=_counted(lines, e),
        )
        for e in evals
    ]
    if show_seeds:
        columns.append(number_column("seeds", "seeds"))
    if show_state:
        columns.append(Column(key="state", title="state"))
    keys = [column.key for column in columns]
    body = tuple(_line(reading, line, keys=keys, evals=evals, primary=primary) for line in lines)
    caption = _leaderboard_caption(lines, primary) + (MARKED if failed & set(evals) else "")
    return Table(columns=tuple(columns), lines=body, caption=caption)


def _standing(reading: Reading, one: Candidate) -> Standing:
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
        state=", ".join(states),
        reason="; ".join(reasons),
        trainable_parameters=one.trainable_parameters,
        held_bytes=_held_bytes(reading).get(one.trials[0]),
        seeds=one.seeds,
        varied=one.varied,
        figures=_figures(reading, one.name),
    )


def _held_bytes(reading: Reading) -> dict[str, int]:
    """What each trial holds in memory whatever its batch; empty where all bases are stored alike."""
    planned = reading.plan.get("trials", [])
    trials = planned if isinstance(planned, list) else []
    memory = {one["name"]: one["memory"] for one in trials if "memory" in one}
    if len({parts.get("weights") for parts in memory.values()}) < 2:
        return {}
    return {name: sum(parts.get(p, 0) for p in HELD) for name, parts in memory.items()}


def _figures(reading: Reading, name: str) -> dict[str, Figure]:
    found = {eval: figure_of(reading, name, eval) for eval in reading.evals}
    return {eval: figure for eval, figure in found.items() if figure is not None}


def _not_told_apart(
    ranked: list[Candidate], contests: Sequence[Difference]
) -> dict[str, float | None]:
    """Who cannot be told from the best -> the lead that would have been found."""
    best = ranked[0].name if ranked else ""
    return {
        one.against: one.detectable
        for one in contests
        if one.of == best and one.p is not None and not one.is_found
    }


def _more_than_the_name(reading: Reading) -> list[str]:
    """The differing fields, unless there is one and the trial's name already says it."""
    fields = reading.differing
    if "adapter.adapter_name" in fields:
        return [field for field in fields if field not in NAMED]
    return list(fields) if len(fields) > 1 else []


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
            cells.append(_plain_cell(line, key, unit=_unit(reading, primary)))
    for eval in evals:
        figure = line.figures.get(eval)
        more += [(f"{eval}_{part}", getattr(figure, part, None)) for part in PARTS]
        sort = reading.sort_of(eval)
        more.append((f"{eval}_chance", sort.chance if sort else None))
    more += [("detectable", line.detectable)]
    more += [("seeds", len(line.seeds)), ("reason", line.reason)]
    is_first = line.place in {"1", "1="}
    quiet = line.name == BASE or primary not in line.figures
    return Line(
        cells=tuple(cells),
        more=tuple(more),
        tone="strong" if is_first else "quiet" if quiet else "",
    )


def _unit(reading: Reading, eval: str) -> str:
    sort = reading.sort_of(eval) if eval else None
    return sort.unit if sort else ""


def _plain_cell(line: Standing, key: str, *, unit: str) -> Cell:
    if key == "trial":
        return Cell(raw=line.name, text=line.name)
    if key == "place":
        seen = (
            ""
            if line.detectable is None
            else f"{SEEN_FROM} {wording.number(line.detectable, unit)}"
        )
        return Cell(raw=line.place, text=line.place, beside=seen)
    if key == "trainable_parameters":
        raw = line.trainable_parameters
        return Cell(raw=raw, text="" if line.name == BASE else wording.count(raw))
    if key == "held_bytes":
        held = line.held_bytes
        return Cell(raw=held, text="" if held is None else f"{held / 1e6:.3g}")
    if key == "seeds":
        return Cell(raw=len(line.seeds), text=str(len(line.seeds)) if line.seeds else "")
    if key == "state":
        return Cell(
            raw=line.state, text="" if line.name == BASE else line.state, beside=line.reason
        )
    raw = line.varied.get(key)
    if key == "quantization" and line.name != BASE:
        return Cell(raw=raw, text=storage_name(raw))
    return Cell(raw=raw, text="" if raw is None else _value_text(raw))


def _value_text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_value_text(of)}" for key, of in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _figure_cell(reading: Reading, figure: Figure | None, eval: str, *, with_seeds: bool) -> Cell:
    unit = _unit(reading, eval)
    if figure is None:
        return Cell(raw=None, text=wording.MISSING)
    if figure.is_withheld:
        return Cell(raw=None, text="withheld")
    wide = wording.interval(figure.wide_low, figure.wide_high, unit)
    return Cell(
        raw=figure.value,
        text=wording.number(figure.value, unit),
        beside=wording.interval(figure.low, figure.high, unit),
        under=f"{wide} with seeds" if with_seeds and wide else "",
    )


def _leaderboard_caption(lines: tuple[Standing, ...], primary: str) -> str:
    if not primary:
        return "No trial has been evaluated."
    caption = f"Sorted by {primary}; 95 % intervals in brackets, n items."
    if any(len(line.seeds) > 1 for line in lines):
        counts = sorted({len(line.seeds) for line in lines if line.seeds})
        seeds = f"{counts[0]} seeds" if len(counts) == 1 else "seeds"
        caption += (
            f" Figures are means over {seeds}, intervals are over items; those “with seeds” cover other items"
            " and other seeds."
        )
    if any(line.held_bytes for line in lines):
        caption += (
            " Memory is that of weights, adapter, gradients and optimizer; activations come on top."
        )
    if any(line.is_tied for line in lines):
        caption += (
            f" 1= marks trials that cannot be told apart from the best; “{SEEN_FROM}” is the lead that would have"
            " been found 4 times in 5."
        )
    return caption
