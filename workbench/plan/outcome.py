"""What was predicted beside what was measured, for the sweep's folder, the command line and the report.

`sides(plan, measured)` takes the contents of `plan.json` and of `measured.json` and gives a line for each thing that can be
held against a prediction: training time, peak memory of the process, and what training took over the loaded model. It
reads no file and predicts nothing.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

BEYOND_THE_MODEL = ("gradients and optimizer", "activations", "logits", "allocator slack")
"""Parts of a plan's memory that training adds to a loaded model."""


class Side(NamedTuple):
    """One thing, predicted and measured; what is not known is None."""

    what: str
    unit: Literal["s", "bytes"]
    predicted: float | None
    measured: float | None

    @property
    def ratio(self) -> float | None:
        """How many times the prediction was measured."""
        if not self.predicted or self.measured is None:
            return None
        return self.measured / self.predicted


def sides(plan: Mapping[str, Any], measured: Mapping[str, Any]) -> tuple[Side, ...]:
    """Every line of which one half at least is known."""
    parts = plan.get("parts") or {}
    known = [_number(parts.get(name)) for name in BEYOND_THE_MODEL]
    beyond = sum(size for size in known if size is not None) if any(known) else None
    # On a GPU the plan's libraries lie in another memory than its model.
    on_gpu = _number(measured.get("peak_cuda_bytes")) is not None
    peak, libraries = _number(plan.get("peak")), _number(parts.get("Python and libraries"))
    if on_gpu and peak is not None:
        peak -= libraries or 0.0
    every = (
        Side(
            "training", "s", _number(plan.get("seconds")), _number(measured.get("training_seconds"))
        ),
        Side(
            "peak memory of the GPU" if on_gpu else "peak memory of the process",
            "bytes",
            peak,
            _number(measured.get("peak_cuda_bytes" if on_gpu else "training_peak_bytes"))
            or _number(measured.get("peak_rss_bytes")),
        ),
        Side(
            "of it over the loaded model", "bytes", beyond, _number(measured.get("increment_bytes"))
        ),
    )
    return tuple(side for side in every if (side.predicted, side.measured) != (None, None))


def as_stored(plan: Mapping[str, Any], measured: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The lines as they lie in `measured.json`."""
    return [{**side._asdict(), "ratio": side.ratio} for side in sides(plan, measured)]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
