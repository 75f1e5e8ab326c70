"""A trial made ready to train: its rows as the model sees them, its script, its slot.

`slot_of(store, loaded, trial, rows=...)` writes the tokenised rows and the plain script into the sweep's folder and gives
the slot that the engine steps. It attaches no adapter and trains nothing.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench import events
from workbench.adapters.bank import Bank
from workbench.data.rendering import Rendered, render, render_labelled
from workbench.data.sources import Rows
from workbench.engine.slot import Slot
from workbench.errors import DataError
from workbench.models.load import Loaded
from workbench.plan.locate import MICROWORLD, name_for_others
from workbench.runs import datacard
from workbench.runs.store import SweepStore
from workbench.spec import Trial

CHECKPOINTS = "checkpoint"
"""The folder in a trial's own."""
INITIAL = "initial"
"""The folder of the weights that a cloned trial began with."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Trials on one base, loaded once."""

    trials: list[Trial]
    """It grows when one is added while the others train."""
    loaded: Loaded
    bank: Bank


def slot_of(store: SweepStore, loaded: Loaded, trial: Trial, *, rows: Rows) -> Slot:
    """The slot of a trial on its rows."""
    rendered, rows_id = _rendered(store, loaded, trial, rows=rows)
    watched: list[Rendered] = []
    if trial.spec.train.eval_steps or store.spec.prune is not None:
        every = _as_a_model_sees(loaded, trial, rows.held_out, labels=rows.labels)
        watched = [row for row in every if row.num_trained]
    folder = store.folder(trial.name)
    slot = Slot(
        name=trial.name,
        train=trial.spec.train,
        rows=rendered,
        held_out=watched,
        seed=trial.spec.seed,
        fingerprint=f"{trial.spec.fingerprint()}-{rows_id}",
        checkpoint=folder / CHECKPOINTS,
    )
    write_script(store, trial, slot=slot, rows=rows)
    return slot


def write_script(store: SweepStore, trial: Trial, *, slot: Slot, rows: Rows) -> None:
    """The plain script of a trial, with what a person has told it so far."""
    model = trial.spec.model.id
    code = trial.spec.as_code(
        rows=f"../rows/{slot.fingerprint.rpartition('-')[2]}.jsonl",
        model=model if model == MICROWORLD else name_for_others(model),
        num_labels=len(rows.labels) or None,
        initial=INITIAL if trial.parent else None,
        steered=_told(store, trial),
    )
    with store.replacing(f"{trial.name}/script.py") as temporary:
        temporary.write_text(code, encoding="utf-8")


def _told(store: SweepStore, trial: Trial) -> list[str]:
    """What makes a trial another than its spec alone would."""
    said = []
    if trial.parent:
        said.append(f"begin with the weights of {trial.parent} after its step {trial.parent_step}")
    for event in store.events():
        ends = event.event == "steered" and event.applied and event.of == trial.name
        if ends and event.command.split()[0] in ("stop", "drop", "pause", "resume"):
            said.append(f"{event.command}, after step {event.step}")
    said += [
        f"end after step {event.step}, at place {event.place} of {event.of}"
        for event in store.events(trial.name)
        if event.event == "pruned"
    ]
    return list(dict.fromkeys(said))


def _rendered(
    store: SweepStore, loaded: Loaded, trial: Trial, *, rows: Rows
) -> tuple[list[Rendered], str]:
    rendered = _as_a_model_sees(loaded, trial, rows.train, labels=rows.labels)
    limit = _limit(loaded, trial)
    cut = sum(row.truncated for row in rendered)
    kept = [row for row in rendered if row.num_trained]
    datacard.add_truncated(store, rows.card, cut)
    if cut:
        message = f"{cut} of {len(rendered)} rows are longer than {limit} tokens and were cut"
        store.append(events.Warned(trial=trial.name, code="truncated", message=message))
    if len(kept) < len(rendered):
        message = f"{len(rendered) - len(kept)} rows have no token left to learn and were left out"
        store.append(events.Warned(trial=trial.name, code="empty-rows", message=message))
    if not kept:
        raise DataError(
            f"no row of {trial.spec.data.id!r} has a token to learn within {limit} tokens; "
            "raise train.max_length or shorten the prompts"
        )
    return kept, _keep_rows(store, kept)


def _limit(loaded: Loaded, trial: Trial) -> int:
    """The longest row, in tokens."""
    asked = trial.spec.train.max_length
    # Every name that a config has for its context (n_positions, ...) is mapped to this one.
    return min(asked, getattr(loaded.model.config, "max_position_embeddings", None) or asked)


def _as_a_model_sees(
    loaded: Loaded, trial: Trial, rows: Sequence[dict[str, Any]], *, labels: Sequence[str]
) -> list[Rendered]:
    limit, completion_only = _limit(loaded, trial), trial.spec.train.completion_only_loss
    if labels:
        return [
            render_labelled(loaded.tokenizer, row, max_length=limit, labels=labels) for row in rows
        ]
    return [
        render(loaded.tokenizer, row, max_length=limit, completion_only_loss=completion_only)
        for row in rows
    ]


def _keep_rows(store: SweepStore, rows: Sequence[Rendered]) -> str:
    """Store the tokenised rows once, for the trial's script; their fingerprint names them."""
    lines = [
        json.dumps({"input_ids": r.input_ids, "labels": r.labels if r.label is None else r.label})
        + "\n"
        for r in rows
    ]
    name = hashlib.sha256("".join(lines).encode()).hexdigest()[:16]
    relative = f"rows/{name}.jsonl"
    if not (store.path / relative).exists():
        with store.replacing(relative) as temporary:
            temporary.write_text("".join(lines), encoding="utf-8")
    return name
