"""What a sweep cost: the training time of each trial, and time and peak memory of the whole beside the prediction.

`training_table(reading)` and `whole_table(reading)` read what was stored and add up nothing but that. Trials that were
trained together shared each pass through the base; a trial's seconds are then its share, and that is said. `spent_table(reading)` is
what training and evaluation took in all, and, at a price that somebody stated, what they cost once and every month.
"""

from collections.abc import Callable
from typing import Any

from workbench.compare import wording
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.compare.reading import Candidate, Reading
from workbench.plan.outcome import sides
from workbench.report.blocks import NOT_STATED
from workbench.runs.spent import spent
from workbench.timing.cost import Price


def training_table(reading: Reading) -> Table | None:
    """What each trial trained, in how many steps and seconds."""
    columns = (
        Column(key="trial", title="trial"),
        number_column("trainable_parameters", "trainable", note="parameters"),
        number_column("steps", "steps"),
        number_column("seconds", "training", note="s"),
    )
    together = _together(reading.plan)
    lines = [_training_line(reading, one, together=together) for one in reading.candidates]
    caption = "Training, as measured."
    if any(count > 1 for count in together.values()):
        caption += (
            " Trials trained together share each pass through the base: the seconds of one are its share"
            " of a shared pass, not what it would take alone."
        )
    if any(len(one.trials) > 1 for one in reading.candidates):
        caption += " Where there are several seeds, steps and seconds are those of one, on average."
    return Table(columns=columns, lines=tuple(lines), caption=caption) if lines else None


def _training_line(reading: Reading, one: Candidate, *, together: dict[str, int]) -> Line:
    ends = [reading.outcomes[trial] for trial in one.trials]
    timed = [end.seconds for end in ends if end.seconds is not None]
    seconds = sum(timed) / len(timed) if timed else None
    steps = round(sum(end.steps for end in ends) / len(ends))
    shared = max(together.get(trial, 1) for trial in one.trials)
    is_share = shared > 1 and seconds is not None
    several = f"in each of {len(ends)} seeds" if len(ends) > 1 else ""
    parameters = one.trainable_parameters
    more = (("seeds", len(ends)), ("shared_by", shared), ("planned_steps", _planned(reading, one)))
    return Line(
        cells=(
            Cell(raw=one.name, text=one.name),
            Cell(raw=parameters, text=wording.count(parameters)),
            Cell(raw=steps, text=wording.count(steps), beside=several),
            Cell(
                raw=seconds,
                text=wording.MISSING if seconds is None else f"{seconds:.1f}",
                beside=f"its share of a pass shared by {shared}" if is_share else "",
            ),
        ),
        more=more,
    )


def whole_table(reading: Reading) -> Table:
    """Time and peak memory of the whole sweep: predicted, measured, and how many times the one is the other."""
    again = reading.store.status().attempt > 1
    plan, measured = reading.plan, reading.measured
    columns = (
        Column(key="what", title="the whole sweep"),
        number_column("predicted", "predicted"),
        number_column("measured", "measured"),
        number_column("ratio", "measured / predicted"),
    )
    last = "of the last start only" if again else ""
    lines = (
        *(
            _compared(
                one.what, one.predicted, one.measured, told=_seconds if one.unit == "s" else _size
            )
            for one in sides(plan, measured)
        ),
        _compared("the whole sweep", None, measured.get("seconds"), told=_seconds, beside=last),
    )
    return Table(columns=columns, lines=lines)


def spent_table(reading: Reading, *, price: Price | None = None) -> Table | None:
    """What training and evaluation took in all; with a price also what they cost, once and repeated monthly."""
    found = spent(reading.store)
    columns = [Column(key="what", title="the work itself"), number_column("seconds", "time")]
    if price is not None:
        columns += [
            number_column("once", "once, or a month", note=price.currency),
            number_column("year", "a year, repeated monthly", note=price.currency),
        ]
    known = {
        f"training ({found.trials} timed)": found.training,
        f"evaluation ({found.scores} scores timed)": found.evaluation,
        "from its last start to its end": found.whole,
    }
    lines = []
    for what, seconds in known.items():
        if seconds is None:
            continue
        cells = [Cell(raw=what, text=what), Cell(raw=seconds, text=_seconds(seconds))]
        if price is not None:
            once = price.of_seconds(seconds)
            cells += [Cell(raw=cost, text=f"{cost:.3g}") for cost in (once, 12 * once)]
        lines.append(Line(cells=tuple(cells)))
    caption = "What the sweep took in all. Each was measured once and has no interval."
    if price is not None:
        caption += f" At {price.per_hour:g} {price.currency} an hour, as stated; no idle hours are charged."
    if found.note:
        caption += f" {found.note[:1].upper()}{found.note[1:]}."
    numbers = {"per_hour": price.per_hour if price else None, "set_back": found.set_back}
    if not lines:
        return None
    return Table(
        columns=tuple(columns),
        lines=tuple(lines),
        caption=caption,
        numbers=tuple(numbers.items()),
    )


def _compared(
    what: str, predicted: Any, measured: Any, *, told: Callable[[Any], str], beside: str = ""
) -> Line:
    known = [one if isinstance(one, int | float) else None for one in (predicted, measured)]
    ratio = known[1] / known[0] if known[0] and known[1] is not None else None
    cells = (
        Cell(raw=what, text=what),
        Cell(raw=known[0], text=told(known[0])),
        Cell(raw=known[1], text=told(known[1]), beside=beside),
        Cell(raw=ratio, text="" if ratio is None else f"{ratio:.2f}"),
    )
    return Line(cells=cells)


def _planned(reading: Reading, one: Candidate) -> int | None:
    """The steps that a candidate's first trial was planned to take."""
    planned = reading.plan.get("trials") or ()
    return next((told.get("steps") for told in planned if told.get("name") == one.trials[0]), None)


def _together(plan: dict[str, Any]) -> dict[str, int]:
    """With how many trials, itself among them, a trial was planned to share its passes."""
    groups = plan.get("groups") or ()
    return {name: len(group) for group in groups for name in group}


def _seconds(value: Any) -> str:
    if not isinstance(value, int | float):
        return NOT_STATED
    return f"{value:.1f} s" if value < 120 else f"{value:.0f} s ({value / 60:.1f} min)"


def _size(value: Any) -> str:
    if not isinstance(value, int | float):
        return NOT_STATED
    return f"{value / 1e9:.2f} GB" if value >= 1e9 else f"{value / 1e6:.0f} MB"
