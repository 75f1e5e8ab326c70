"""What a sweep cost: the training time of each trial, and time and peak memory of the whole beside the prediction.

`training_table(reading)` and `totals(reading)` read what was stored and add up nothing but that. Trials that were
trained together shared each pass through the base; a trial's seconds are then its share, and that is said.
"""

from typing import Any

from workbench.compare import wording
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.compare.reading import Candidate, Reading
from workbench.report.blocks import NOT_STATED


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
        )
    )


def totals(reading: Reading) -> list[tuple[str, str]]:
    """Time and peak memory of the whole sweep, measured and predicted."""
    again = reading.store.status().attempt > 1
    return [
        (
            "time, measured" + (", last start only" if again else ""),
            _seconds(reading.measured.get("seconds")),
        ),
        ("time, predicted", _seconds(reading.plan.get("seconds"))),
        ("peak memory of the process, measured", _size(reading.measured.get("peak_rss_bytes"))),
        ("peak memory, predicted", _size(reading.plan.get("peak"))),
    ]


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
