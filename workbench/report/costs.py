"""What a sweep cost: the training time of each trial, and time and peak memory of the whole beside the prediction.

`training_table(reading)` and `totals(reading)` read what was stored and add up nothing but that. Trials that were
trained together shared each pass through the base; a trial's seconds are then its share, and that is said.
"""

from typing import Any

from workbench.compare import wording
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.compare.reading import Reading
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
    lines = []
    for name, end in reading.outcomes.items():
        seconds = wording.MISSING if end.seconds is None else f"{end.seconds:.1f}"
        shared = together.get(name, 1)
        is_share = shared > 1 and end.seconds is not None
        cells = (
            Cell(raw=name, text=name),
            Cell(raw=end.trainable_parameters, text=wording.count(end.trainable_parameters)),
            Cell(raw=end.steps, text=wording.count(end.steps)),
            Cell(
                raw=end.seconds,
                text=seconds,
                beside=f"its share of a pass shared by {shared}" if is_share else "",
            ),
        )
        lines.append(Line(cells=cells))
    caption = "Training, as measured."
    if any(count > 1 for count in together.values()):
        caption += (
            " Trials trained together share each pass through the base: the seconds of one are its share"
            " of a shared pass, not what it would take alone."
        )
    return Table(columns=columns, lines=tuple(lines), caption=caption) if lines else None


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
        ("peak memory of the largest trial, predicted", _size(_predicted_peak(reading.plan))),
    ]


def _together(plan: dict[str, Any]) -> dict[str, int]:
    """With how many trials, itself among them, a trial was planned to share its passes."""
    groups = plan.get("groups") or ()
    return {name: len(group) for group in groups for name in group}


def _predicted_peak(plan: dict[str, Any]) -> int | None:
    """Bytes of the most demanding trial: the sum of its parts."""
    found = [trial.get("memory") for trial in plan.get("trials") or ()]
    peaks = [
        sum(part for part in memory.values() if isinstance(part, int))
        for memory in found
        if isinstance(memory, dict)
    ]
    return max(peaks, default=None)


def _seconds(value: Any) -> str:
    if not isinstance(value, int | float):
        return NOT_STATED
    return f"{value:.1f} s" if value < 120 else f"{value:.0f} s ({value / 60:.1f} min)"


def _size(value: Any) -> str:
    if not isinstance(value, int | float):
        return NOT_STATED
    return f"{value / 1e9:.2f} GB" if value >= 1e9 else f"{value / 1e6:.0f} MB"
