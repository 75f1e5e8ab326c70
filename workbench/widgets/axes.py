"""What "Also try" holds: any field of the spec as an axis of the sweep, written as text.

A row is the key of an axis and its values, `("adapter.lora_dropout", "0, 0.1")`; the key of a linked axis names several
fields with commas between, and its values are JSON lists. `rows_of(spec)` writes the axes that have no field of their
own in the form, `read(rows, ...)` reads them back, `offered()` lists what may be chosen. Pure: no widget, no model.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.spec import Spec, axes_known
from workbench.widgets.entries import BY_NAME, allowed, point_text, point_value, split

LISTED = {"adapter.r": "Rank", "train.learning_rate": "Learning rate", "seed": "Seeds"}
"""Axes with a field of their own, which takes several values."""

ALPHA_LINK = "adapter.r, adapter.lora_alpha"
"""The axis of several ranks whose alpha is another multiple of r than 2."""

FIRST = (
    "adapter.target_modules", "quantization", "adapter.lora_dropout", "adapter.use_rslora", "adapter.use_dora",
    "adapter.init_lora_weights", "adapter.lora_alpha", "train.per_device_train_batch_size", "train.num_train_epochs",
    "train.max_steps", "train.warmup_steps", "train.lr_scheduler_type", "data.id", "data.rows", "model.id",
)  # fmt: skip
"""What is tried most, first in the list."""

Rows = Sequence[tuple[str, str]]


def offered() -> list[str]:
    """Every field that a row may vary, the usual ones first."""
    others = [name for name in axes_known() if name not in FIRST and name not in LISTED]
    return [*FIRST, *others]


def example(key: str) -> str:
    """Values that could be written for an axis."""
    if key == "quantization":
        return "none, 8-bit, nf4, nf4 double"
    if key == "adapter.target_modules":
        return "q_proj+v_proj, all-linear"
    rule = allowed(key) if "," not in key else None
    if rule is None:
        return ""
    if rule.kind == "choice":
        return ", ".join(rule.choices[:3])
    samples = {"flag": "false, true", "mapping": '{"q_proj": 4}, {}', "numbers": "[0, 1], [2, 3]"}
    hint = BY_NAME[key.rsplit(".", 1)[-1]].hint if key.rsplit(".", 1)[-1] in BY_NAME else ""
    return samples.get(rule.kind, "values with commas between" + (f": {hint}" if hint else ""))


def rows_of(spec: Spec) -> tuple[tuple[str, str], ...]:
    """The axes of a spec that have no field of their own, in its order."""
    rows = []
    for key, points in spec.sweep.items():
        if key in LISTED or (key == ALPHA_LINK and multiple(points) is not None):
            continue
        if "," in key:
            text = ", ".join(json.dumps(list(point)) for point in points)
        else:
            text = ", ".join(point_text(key, point) for point in points)
        rows.append((key, text))
    return tuple(rows)


def multiple(points: Sequence[Any]) -> float | None:
    """The ratio alpha / r of a linked axis of ranks and alphas, where it is the same everywhere and not 2."""
    try:
        found = {alpha / rank for rank, alpha in points}
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return found.pop() if len(found) == 1 and found != {2.0} else None


def read(rows: Rows, *, base: Spec, problems: dict[str, str]) -> dict[str, Any]:
    """Axis -> its values; what cannot be read is told under `also:<key>`. A row without a field is nothing yet."""
    known = dict(rows_of(base))
    found: dict[str, Any] = {}
    for key, text in rows:
        if not key:
            continue
        if key in found:
            problems[f"also:{key}"] = "it is tried in another row too; write all values in one"
        elif known.get(key) == text:
            found[key] = list(base.sweep[key])
        elif key in LISTED:
            problems[f"also:{key}"] = f"write several values under {LISTED[key]}"
        else:
            try:
                found[key] = _points(key, text)
            except ValueError as error:
                problems[f"also:{key}"] = str(error)
    return found


def _points(key: str, text: str) -> list[Any]:
    parts = split(text)
    if not parts:
        raise ValueError("write the values to try, with commas between")
    if "," in key:
        try:
            return [json.loads(part) for part in parts]
        except ValueError:
            raise ValueError(f"got {text!r:.80}; write a JSON list for each trial") from None
    if key not in axes_known():
        raise ValueError(f"{key!r} is no field of the spec")
    points = [point_value(key, part) for part in parts]
    for place, point in enumerate(points):
        if point in points[:place]:
            raise ValueError(f"got {parts[place]!r} twice; each value makes one trial")
    return points


def said_of(key: str, *, count: int) -> str:
    """Why a field of the form is not the form's to set."""
    values = f"{count} {'value' if count == 1 else 'values'}"
    return f"set by the sweep: {key} ({values})" if "," in key else f"{values}, under Also try"


def touches(key: str, dotted: str) -> bool:
    """Whether an axis moves a field, or a part of it."""
    parts = [part.strip() for part in key.split(",")]
    return any(part == dotted or part.startswith(dotted + ".") for part in parts)


def labelled(mapping: Mapping[str, str]) -> dict[str, str]:
    """Field of the spec -> what the form calls it, for the list to choose from."""
    return {dotted: mapping.get(dotted, dotted) for dotted in offered()}
