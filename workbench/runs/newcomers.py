"""The trial that a `clone` or an `add` asks for, as a spec; who makes it is another's business.

`newcomer(store, command, step=...)` is what the worker trains and what a face asks before it sends the command, so that a
field that cannot be is refused where it was typed. It knows no model: what only the model can refuse, the worker refuses.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.errors import SpecError, StoreError, nearest
from workbench.fields import TrainSpec
from workbench.naming import trial_name
from workbench.runs.control import Command
from workbench.runs.store import SweepStore
from workbench.spec import Spec, Trial

OF_A_CLONE = (
    "seed",
    "adapter.lora_dropout",
    "data.id",
    "data.rows",
    *(f"train.{name}" for name in TrainSpec.model_fields),
)
"""What a clone may have otherwise than its parent: the rest decides what its weights are."""


def newcomer(store: SweepStore, command: Command, *, step: int = 0) -> Trial:
    """The trial that a command asks for.

    Args:
        store: The sweep it joins.
        command: A `clone` or an `add`.
        step: How far the parent is.
    """
    if command.trial:
        parent = next(trial for trial in store.trials if trial.name == command.trial)
        _check_clone(command.changes, parent)
        spec, varied, ending = parent.spec, dict(parent.varied), "-warm"
    else:
        spec, varied, ending = store.spec.replace({"sweep": {}, "prune": None}), {}, ""
    changed = spec.replace(dict(command.changes))
    if changed.fingerprint() == spec.fingerprint():
        raise StoreError(f"{command.words} changes nothing; give a field another value")
    varied |= {field: _value(changed, field) for field in command.changes}
    name = trial_name(varied) + ending
    taken = {trial.name for trial in store.trials}
    return Trial(
        name=next(one for one in _names(name) if one not in taken),
        spec=changed,
        varied=varied,
        parent=command.trial,
        parent_step=step,
    )


def _check_clone(changes: Mapping[str, Any], parent: Trial) -> None:
    for field in changes:
        if field not in OF_A_CLONE:
            raise SpecError(
                f"a clone has the weights of {parent.name}, so {field!r} stays as it is there. Fields of train, the seed, the "
                f"rows and the dropout may change: {nearest(field, OF_A_CLONE)} For another adapter use add"
            )


def _value(spec: Spec, dotted: str) -> Any:
    """A field as the validated spec has it: 1e-2 on a command line is a word, in the spec a number."""
    found: Any = spec.model_dump(mode="json")
    for part in dotted.split("."):
        found = found[part]
    return found


def _names(first: str) -> Iterator[str]:
    yield first
    for number in range(2, 10_000):
        yield f"{first}-{number}"
