"""What a plan says of time and of sharing, in numbers and in words: `forecast(works, groups=..., calibration=...)`.

The fields of a plan that depend on how fast this machine is. What is not known stays None and has its reason in words; nothing is
computed here but sums over groups.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.plan.calibration import Calibration
from workbench.plan.time import WORTH, Work, gain, training_seconds
from workbench.plan.wording import gain_in_words, time_in_words

Works = Mapping[str, tuple[int | None, Work]]
"""Trial -> its steps, and what a step of it is."""
NOT_CALIBRATED = (
    "this machine is not calibrated yet; the first sweep does it, or workbench plan --calibrate"
)


def forecast(
    works: Works, *, groups: Sequence[Sequence[str]], calibration: Calibration | None
) -> dict[str, Any]:
    """The fields of a plan that speak of time."""
    if calibration is None:
        return {"time_said": time_in_words(None, said=NOT_CALIBRATED)}
    if why := _untimed(works):
        return {"time_said": time_in_words(None, said=why)}
    seconds = sum(
        training_seconds(
            [works[name][1] for name in group],
            steps=[works[name][0] or 0 for name in group],
            calibration=calibration,
        )
        for group in groups
    )
    rows = next(iter(works.values()))[1].lengths.said
    told: dict[str, Any] = {
        "seconds": seconds,
        "time_said": time_in_words(seconds, said=f"for {rows}; {calibration.said}"),
    }
    if shared := [group for group in groups if len(group) > 1]:
        longest = max(shared, key=lambda group: len(group) * max(works[n][0] or 0 for n in group))
        gained = gain([works[name][1] for name in longest], calibration=calibration)
        told |= {
            "gain": gained,
            "worth_fusing": gained >= WORTH,
            "gain_said": gain_in_words(gained, trials=len(longest), worth=WORTH),
        }
    return told


def _untimed(works: Works) -> str:
    """Why the time is unknown; empty when it is known."""
    if any(steps is None for steps, _ in works.values()):
        return "how many rows there are is known when they are read"
    untold = next((work for _, work in works.values() if not work.is_timed), None)
    return f"that of {untold.spec.adapter.peft_type} is not predicted" if untold else ""
