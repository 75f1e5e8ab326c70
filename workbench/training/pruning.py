"""Successive halving of the trials on one base: stage by stage, each to its next rung, and the worst end there.

`Pruning(store, ...)` says how far each trial trains in a stage and, when all are there, who goes on. Every decision is
written into `halving.json` before it is carried out, so a worker that goes on after a crash does what the one before it
would have done, and a person can read who ended where, why, and what it would have needed. It trains nothing itself.
"""

import json
from collections.abc import Mapping
from typing import Any

from workbench import events
from workbench.adapters.bank import Bank
from workbench.engine import checkpoint
from workbench.engine.halving import judged, rungs
from workbench.engine.slot import Slot
from workbench.fields import PruneSpec
from workbench.runs.savepoint import Savepoint
from workbench.runs.status import GONE, KEPT
from workbench.runs.store import SweepStore
from workbench.spec import Trial
from workbench.training.preparing import CHECKPOINTS

FILE = "halving.json"


class Pruning:
    """The rungs of the planned trials on one base; final."""

    def __init__(
        self, store: SweepStore, slots: Mapping[str, Slot], *, since: Savepoint, key: str
    ) -> None:
        """Take trials as they are about to train.

        Args:
            store: The sweep.
            slots: The slot of each trial that is still to be judged.
            since: The savepoint that they go on from.
            key: What the decisions of this base are kept under.
        """
        self._store, self._slots, self._since = store, slots, since
        self._spec = store.spec.prune or PruneSpec()
        self._rungs = {name: self._steps(slot) for name, slot in slots.items()}
        self._key = key

    @property
    def stages(self) -> int:
        """How many rungs there are."""
        return max(map(len, self._rungs.values()), default=0)

    def until(self, slot: Slot, *, stage: int) -> Slot:
        """Tell a slot how far it trains now."""
        steps = self._rungs.get(slot.name, ())
        slot.rungs = frozenset(steps)
        slot.until = steps[stage] if stage < len(steps) else None
        return slot

    def is_there(self, trial: str, stage: int) -> bool:
        """Whether a trial has reached a rung already."""
        steps = self._rungs.get(trial, ())
        if stage >= len(steps):
            return False
        saved = checkpoint.newest(self._store.folder(trial) / CHECKPOINTS)
        behind = self._since.slots.get(trial, steps[stage]) < steps[stage]
        return saved >= steps[stage] and not behind and self._heard(trial, stage) is not None

    def is_past(self, stage: int) -> bool:
        """Whether the savepoint is of a later stage: this one is decided, and who trains from there is beyond its rung."""
        decided = self._store.read_json(FILE, default={}).get(self._key, [])
        steps = self._since.slots
        judged_here = [n for n in steps if stage < len(self._rungs.get(n, ()))]
        beyond = all(steps[name] >= self._rungs[name][stage] for name in judged_here)
        return len(decided) > stage and bool(judged_here) and beyond

    def decide(self, stage: int) -> list[str]:
        """Who ends at a rung, best of them first; what was decided before is not decided anew."""
        kept: dict[str, Any] = self._store.read_json(FILE, default={})
        own = kept.setdefault(self._key, [])
        if stage >= len(own):
            own.append(self._decision(stage))
            self._store.write_json(FILE, kept)
        return [one["trial"] for one in own[stage]["trials"] if not one["goes_on"]]

    def end(self, trial: str, *, stage: int, bank: Bank) -> tuple[events.Pruned, events.Finished]:
        """Put what a trial had learned at its rung into the bank; what is to be said of its end."""
        folder, step = self._store.folder(trial) / CHECKPOINTS, self._rungs[trial][stage]
        path = checkpoint.path_at(folder, step)
        saved, _ = checkpoint.read(path, fingerprint=self._slots[trial].fingerprint)
        checkpoint.put(saved.parameters, bank.parameters(trial))
        own = self._store.read_json(FILE)[self._key][stage]["trials"]
        told = next(one for one in own if one["trial"] == trial)
        record = {name: told[name] for name in ("loss", "place", "of", "needed")}
        pruned = events.Pruned(trial=trial, step=step, rung=stage + 1, **record)
        finished = events.Finished(trial=trial, step=step, seconds=saved.seconds, reason="pruned")
        return pruned, finished

    def _decision(self, stage: int) -> dict[str, Any]:
        states = self._store.status().trials
        losses = {
            name: loss
            for name in self._slots
            if states.get(name) not in (*KEPT, *GONE)
            and (loss := self._heard(name, stage)) is not None
        }
        found = judged(
            losses,
            configurations={n: _without_seed(self._store, n) for n in losses},
            reduction_factor=self._spec.reduction_factor,
        )
        steps = {name: self._rungs[name][stage] for name in losses}
        return {
            "rung": stage + 1,
            "trials": [
                {
                    "trial": one.trial,
                    "step": steps[one.trial],
                    "loss": one.loss,
                    "place": one.place,
                    "of": one.of,
                    "goes_on": one.goes_on,
                    "needed": one.needed,
                }
                for one in found
            ],
        }

    def _heard(self, trial: str, stage: int) -> float | None:
        steps = self._rungs.get(trial, ())
        if stage >= len(steps):
            return None
        told = [
            event.loss
            for event in self._store.events(trial)
            if isinstance(event, events.HeldOut) and event.step == steps[stage]
        ]
        return told[-1] if told else None

    def _steps(self, slot: Slot) -> tuple[int, ...]:
        total, warmup = slot.total_steps, slot.train.warmup_steps
        return rungs(
            total,
            min_resource=self._spec.min_resource,
            reduction_factor=self._spec.reduction_factor,
            warmup_steps=int(warmup if warmup >= 1 else warmup * total),
        )


def _without_seed(store: SweepStore, name: str) -> str:
    """What a trial has in common with those that differ from it by their seed alone."""
    trial: Trial = next(one for one in store.trials if one.name == name)
    fields = trial.spec.model_dump(mode="json", exclude={"name", "seed"})
    return json.dumps(fields, sort_keys=True)
