"""Asking a sweep of adopted adapters: load the base, put each adapter on, ask, and store; nothing is trained.

`ask(store, evals=...)` does for such a folder what `experiment.evaluate` does for one that was trained here. Of the rows
that were given all are asked: nobody here knows what the adapters have seen of them.
"""

import gc
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from workbench import events
from workbench.adapters.bank import Bank
from workbench.data.sources import Rows
from workbench.data.sources import load as load_rows
from workbench.errors import ModelError, RunError, WorkbenchError
from workbench.evals.quality.benchmarks import check_files
from workbench.evaluation import evaluate_all
from workbench.foreign.adopting import NO_DATA, RECORD
from workbench.foreign.fit import COPY
from workbench.foreign.folder import PREFIX, WEIGHTS
from workbench.models.load import load as load_model
from workbench.plan.sharing import by_base
from workbench.runs import datacard
from workbench.runs.provenance import provenance
from workbench.runs.steering import Steering
from workbench.runs.store import SweepStore
from workbench.scores.catalog import called, check_evals
from workbench.scores.task import BASE, Score
from workbench.spec import DataSpec, Trial
from workbench.training import failed

_log = logging.getLogger(__name__)

UNKNOWN = "all rows are asked; which of them the adapters were trained on is not known here"


def ask(store: SweepStore, *, evals: Sequence[str] = (), only: str = "") -> list[Score]:
    """Ask evals of adopted adapters and of their base, and store the answers.

    Args:
        store: A folder that `adopt` made.
        evals: Which; empty asks those of the spec.
        only: One trial; empty asks all.
    """
    trials = [trial for trial in store.trials if only in ("", trial.name)]
    names = tuple(evals) or store.spec.evals
    check_evals(names)
    check_files(names)
    store.claim()
    steering = Steering(store)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    made = provenance(device=device, threads=torch.get_num_threads())
    store.write_json("provenance.json", {**made, "adapters": _hashes(store)})
    data, asked, problems = {store.spec.data: _rows(store)}, set[Any](), list[str]()
    try:
        for some in by_base(trials):
            problems += _ask_some(store, some, names, data=data, asked=asked, steering=steering)
            gc.collect()
    except BaseException as error:
        store.set_status(state="failed", message=f"{type(error).__name__}: {error}")
        raise
    store.set_status(state="failed" if problems else "done", message="; ".join(problems))
    if problems:
        raise RunError("; ".join(problems))
    words, slots = set(map(called, names)), (BASE, *(trial.name for trial in trials))
    return [told for told in store.scores() if told.eval in words and told.slot in slots]


def _ask_some(
    store: SweepStore,
    trials: Sequence[Trial],
    names: Sequence[str],
    *,
    data: dict[DataSpec, Rows],
    asked: set[Any],
    steering: Steering,
) -> list[str]:
    """Ask the adapters that lie on one loaded base."""
    model = trials[0].spec.model
    steering.say(f"loading {model.id}")
    unfit = {trial.name: why for trial in trials if (why := _not_finite(store, trial))}
    problems = [failed(store, t, ModelError(unfit[t.name])) for t in trials if t.name in unfit]
    trials = [trial for trial in trials if trial.name not in unfit]
    if not trials:
        return problems
    try:
        loaded = load_model(model)
        for trial in trials:
            check_copies(_kept(store, trial) / WEIGHTS, model=loaded.model)
        bank = Bank(loaded.model, loaded.tokenizer, trials)
        for trial in trials:
            bank.restore(trial.name, _kept(store, trial))
    except (WorkbenchError, RuntimeError, ValueError, MemoryError) as error:
        _log.exception("putting %s on %s failed", ", ".join(t.name for t in trials), model.id)
        return [*problems, *(failed(store, trial, error) for trial in trials)]
    for note in loaded.notes:
        store.append(events.Warned(code="model", message=note))
    return problems + evaluate_all(
        store, bank, trials=trials, data=data, steering=steering, asked=asked, anew=names
    )


def _kept(store: SweepStore, trial: Trial) -> Path:
    return store.folder(trial.name) / trial.spec.adapter.kept_as


def check_copies(weights: Path, *, model: Any) -> None:
    """What an adapter has of the base must be the base's: PEFT would put it into the control as well."""
    if not weights.is_file():
        return
    for name, tensor in load_file(weights).items():
        if not name.endswith(COPY):
            continue
        owner = name.removeprefix(PREFIX).removesuffix(COPY)
        own = model.get_submodule(owner).weight.cpu()
        if not torch.equal(own, tensor.to(own.dtype)):
            raise ModelError(
                f"the adapter brings a {owner!r} of its own, which is not that of the base; merge it into "
                "its base with PEFT (merge_and_unload) and give the folder of that model"
            )


def _not_finite(store: SweepStore, trial: Trial) -> str:
    """What is said of weights that are no numbers; empty where all are.

    Not every forward shows them: without a mask torch's attention makes zeros of queries that are NaN.
    """
    weights = _kept(store, trial) / WEIGHTS
    if not weights.is_file():
        return ""
    tensors = load_file(weights)
    wrong = sum(int((~torch.isfinite(tensor)).sum()) for tensor in tensors.values())
    if not wrong:
        return ""
    total = sum(tensor.numel() for tensor in tensors.values())
    return f"{wrong:,} of its {total:,} weights are NaN or infinite; it cannot be asked anything"


def _rows(store: SweepStore) -> Rows:
    """The rows that are asked, none of them known to be trained on."""
    data = store.spec.data
    if data.id == NO_DATA:
        return Rows(train=[], held_out=[])
    found = load_rows(data)
    every = [*found.train, *found.held_out]
    if data.id.startswith("microworld/"):
        # What is asked of these sets is made apart from their rows.
        return Rows(train=[], held_out=[], card=found.card)
    counts = {"train_rows": 0, "held_out_rows": len(every), "held_out_leaks": 0}
    card = {**found.card, **counts, "notes": [UNKNOWN]}
    datacard.add_sets(store, [card])
    return Rows(train=[], held_out=every, card=card)


def _hashes(store: SweepStore) -> dict[str, str]:
    record = store.read_json(RECORD)
    return {name: one["sha256"] for name, one in record.items()}


def is_adopted(path: Path) -> bool:
    """Whether a folder is a sweep of adapters that were made elsewhere."""
    return (path / RECORD).is_file()
