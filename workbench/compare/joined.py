"""What a comparison makes of trials that joined a sweep while it ran: which are seeds of one setting, and what they vary.

A clone is a setting of its own, whose seeds are clones made of the seeds of one setting at the same step: it has a past
that no trial of the same fields has. An added trial is told by the fields it was given, so what others vary is read from
its spec. `warm(trials)` says who began with whose weights. It opens no file.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from workbench.fields import NAMES_IT, READS
from workbench.spec import Trial


def settings_of(trials: Sequence[Trial]) -> dict[str, str]:
    """Trial -> what it tries, the same for trials that differ in nothing but their seed."""
    found: dict[str, str] = {}
    for trial in trials:
        rest = {key: value for key, value in trial.varied.items() if key != "seed"}
        past = [found.get(trial.parent, trial.parent), trial.parent_step] if trial.parent else []
        found[trial.name] = json.dumps([rest, *past], sort_keys=True)
    return found


def with_all(trial: Trial, *, fields: Iterable[str]) -> dict[str, Any]:
    """What a trial has in these fields, those that another of the sweep was given among them."""
    missing = [dotted for dotted in fields if dotted not in trial.varied]
    own = {dotted: value for dotted, value in trial.varied.items() if dotted != "seed"}
    if not missing:
        return own
    known = trial.spec.model_dump(mode="json")
    read = {*NAMES_IT, *READS[trial.spec.adapter.peft_type]}
    for dotted in missing:
        part, _, field = dotted.rpartition(".")
        # A field that its method does not read is none of it.
        if part != "adapter" or field in read:
            within = known.get(part) if part else known
            own[dotted] = within.get(field) if isinstance(within, dict) else None
    return own


def warm(trials: Sequence[Trial]) -> dict[str, str]:
    """Trial -> whose weights it began with, for those that did not begin anew."""
    return {
        trial.name: f"{trial.parent} at step {trial.parent_step:,}"
        for trial in trials
        if trial.parent
    }
