"""What the forms for a new trial of a running sweep offer, and what was typed into them, as fields with their values.

`offers(store)` names the fields that a clone and an added trial may have otherwise, those that are changed most often
first, with what they are now. `changes_of(lines)` and `step_of(text)` read what a person typed; whether a field can be so
is asked of the spec, by whoever makes the trial. It knows no widget.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import yaml

from workbench.errors import InputError, SpecError
from workbench.fields import READS
from workbench.runs.newcomers import OF_A_CLONE
from workbench.runs.store import SweepStore
from workbench.spec import Spec

COMMON = (
    "train.learning_rate",
    "train.weight_decay",
    "train.lr_scheduler_type",
    "seed",
    "data.rows",
    "adapter.lora_dropout",
)
"""Fields of a clone that are changed most often."""

OF_AN_ADAPTER = ("adapter.r", "adapter.lora_alpha", "adapter.target_modules")

SWEEP = ""
"""The place of the sweep's own fields among those of its trials."""


def offers(store: SweepStore) -> dict[str, Any]:
    """Fields of a clone (`common`, `others`) and of an added trial (`free`), and what the common ones are `now`, by trial."""
    axes = [part.strip() for axis in store.spec.sweep for part in axis.split(",")]
    free = tuple(dict.fromkeys((*axes, *OF_AN_ADAPTER, *COMMON, *OF_A_CLONE)))
    now = {trial.name: _values(trial.spec, COMMON) for trial in store.trials}
    # Where the axes give what a spec cannot be without, it has nothing of its own to show.
    with suppress(SpecError):
        now[SWEEP] = _values(store.spec.replace({"sweep": {}}), free)
    return {
        "common": list(COMMON),
        "others": [field for field in OF_A_CLONE if field not in COMMON],
        "free": list(free),
        "now": now,
    }


def changes_of(lines: Any) -> dict[str, Any]:
    """What was typed, a field and a value a line; values are read as in a spec file.

    >>> changes_of([["train.learning_rate", "0.003"], ["adapter.target_modules", "[q_proj, v_proj]"]])
    {'train.learning_rate': 0.003, 'adapter.target_modules': ['q_proj', 'v_proj']}
    """
    changes: dict[str, Any] = {}
    for field, text in _pairs(lines):
        if not field:
            raise InputError(f"{text!r} is given for no field; name one, train.learning_rate say")
        if not text:
            raise InputError(f"{field} has no value; give one, or take the line away")
        if field in changes:
            raise InputError(f"{field} is given twice")
        try:
            changes[field] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise InputError(f"{text!r} is no value for {field}") from None
    return changes


def step_of(text: Any) -> int:
    """The step after which a command is followed; 0 where none was typed.

    >>> step_of("1,200"), step_of("")
    (1200, 0)
    """
    digits = str(text or "").strip().replace(",", "")
    if digits and not (digits.isascii() and digits.isdigit()):
        raise InputError(f"a step is a whole number from 0; got {text!r}")
    return int(digits or 0)


def _pairs(lines: Any) -> list[tuple[str, str]]:
    """The lines in which anything stands."""
    given = lines if isinstance(lines, list) else []
    pairs = [tuple(str(word).strip() for word in one) for one in given if isinstance(one, list)]
    return [(one[0], one[1]) for one in pairs if len(one) == 2 and any(one)]


def _values(spec: Spec, fields: Sequence[str]) -> dict[str, str]:
    """What fields are in a spec, as they would be typed; those that its method does not read are left out."""
    known, found = spec.model_dump(mode="json"), {}
    read = READS.get(spec.adapter.peft_type, ())
    for dotted in fields:
        part, _, field = dotted.rpartition(".")
        if part == "adapter" and field not in read:
            continue
        within = known.get(part) if part else known
        if isinstance(within, dict) and within.get(field) is not None:
            found[dotted] = _typed(within[field])
    return found


def _typed(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:g}"
    return yaml.safe_dump(value, default_flow_style=True).removesuffix("\n...\n").strip()
