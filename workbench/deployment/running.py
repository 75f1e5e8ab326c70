"""`deploy(path)`: measure every way to serve one adapter of a sweep, and store what came out beside it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from workbench.deployment import stored
from workbench.deployment.asking import Wanted
from workbench.deployment.reading import Deployment, read
from workbench.deployment.variants import REFERENCE, chosen
from workbench.errors import InputError
from workbench.runs.provenance import provenance
from workbench.runs.store import SweepStore
from workbench.spec import Trial
from workbench.timing.measuring import Settings, measure

Told = Callable[[float, str], None]


def quiet(share: float, words: str) -> None:
    """For callers who do not watch."""


def deploy(
    path: str | Path,
    *,
    told: Told = quiet,
    stopped: Callable[[], bool] = lambda: False,
    **fields: Any,
) -> Deployment:
    """Time the variants of one adapter, and take how far each moved the answers.

    Args:
        path: A trial of a sweep, `runs/rank-sweep/r8`; of a sweep with one trial the sweep.
        told: Hears the share that is done and what is being done.
        stopped: Asked between calls; true ends it and keeps what there is.
        fields: Of `Wanted`: variants, input_tokens, output_tokens, batch, seconds, precision, seed.
    """
    wanted = Wanted.of(**fields)
    names = chosen(wanted.variants)
    store, trial = _found(Path(path))
    adapters = _adapters(store, trial)
    began = time.perf_counter()
    # Everything above is answered at once; torch takes seconds.
    from workbench.deployment.loading import Place, prepare
    from workbench.deployment.texts import texts
    from workbench.evals.audience import context_length

    told(0.0, f"loading {trial.spec.model.id}")
    place = Place.of(trial.spec.model)
    context = context_length(place.base, place.tokenizer)
    cells, too_long = wanted.cells(context=context)
    if not cells:
        raise InputError(f"nothing can be measured: {'; '.join(too_long)}. Give smaller sizes")
    prepare(
        place,
        trial=trial,
        adapters=adapters,
        names=names,
        seed=wanted.seed,
        say=lambda words: told(0.0, words),
    )
    if REFERENCE not in place.subjects:
        raise InputError(
            f"the adapter of {trial.name!r} cannot be served: {place.refused[REFERENCE]}"
        )
    some, source = texts(store, place.tokenizer, vocabulary=place.vocabulary, context=context)
    agreement = _agreement(place.subjects, some, told=told)
    found = measure(
        list(place.subjects.values()),
        cells=cells,
        settings=Settings(seconds=wanted.seconds, precision=wanted.precision),
        seed=wanted.seed,
        told=told,
        stopped=stopped,
    )
    folder = store.folder(trial.name)
    stored.write(
        folder,
        calls=found.calls,
        agreement=agreement,
        facts={
            "trial": trial.name,
            "model": trial.spec.model.id,
            "variants": {name: _memory(one) for name, one in place.subjects.items()},
            "refused": place.refused,
            "cells_refused": list(too_long),
            "texts": source,
            "ended": found.ended,
            "unsteady": list(found.unsteady),
            "overhead_us": found.overhead_us,
            "context": context,
            "vocabulary": place.vocabulary,
            "cache_bytes_by_formula": cache_bytes(place.base.config),
            "peak_rss_bytes": _peak_bytes(),
            "asked": wanted.model_dump(mode="json"),
            "notes": place.notes,
            "seconds": time.perf_counter() - began,
            "machine": _machine(place.subjects["base"].device.type),
        },
    )
    told(1.0, "done")
    return read(folder)


def cache_bytes(config: Any) -> float | None:
    """Bytes of keys and values a token and row, by the shape in the config; None where that does not say it."""
    text = config.get_text_config()
    layers, heads = (
        getattr(text, "num_hidden_layers", None),
        getattr(text, "num_attention_heads", None),
    )
    hidden = getattr(text, "hidden_size", None)
    if not (layers and heads and hidden):
        return None
    kept = getattr(text, "num_key_value_heads", None) or heads
    width = getattr(text, "head_dim", None) or hidden // heads
    size = getattr(getattr(config, "dtype", None), "itemsize", 4)
    return float(2 * layers * kept * width * size)


def _found(path: Path) -> tuple[SweepStore, Trial]:
    is_sweep = (path / "status.json").is_file()
    store = SweepStore.open(path if is_sweep else path.absolute().parent)
    if is_sweep and len(store.trials) > 1:
        names = ", ".join(trial.name for trial in store.trials[:4])
        raise InputError(
            f"{str(path)!r} has {len(store.trials)} trials; name one, {str(path / store.trials[0].name)!r} "
            f"for instance (there are {names}{', ...' if len(store.trials) > 4 else ''})"
        )
    name = store.trials[0].name if is_sweep else path.absolute().name
    store.folder(name)
    trial = next((one for one in store.trials if one.name == name), None)
    if trial is None:
        raise InputError(
            f"{str(path)!r} is the base, which is measured with every adapter; name a trial"
        )
    adapter = trial.spec.adapter
    if adapter.task_type == "SEQ_CLS":
        raise InputError(f"{name!r} is a classifier: it writes no tokens that could be timed")
    if adapter.peft_type == "FULL":
        raise InputError(
            f"{name!r} is a whole model without an adapter: it is served as any other; there is nothing to "
            "attach or merge"
        )
    if not (store.folder(name) / adapter.kept_as / "adapter_model.safetensors").is_file():
        raise InputError(f"{name!r} has no adapter yet; train it first")
    return store, trial


def _adapters(store: SweepStore, trial: Trial) -> dict[str, Path]:
    """Every stored LoRA adapter on the same base, the trial's own first."""
    found = {trial.name: store.folder(trial.name) / trial.spec.adapter.kept_as}
    for other in store.trials:
        folder = store.folder(other.name) / other.spec.adapter.kept_as
        fits = other.spec.model == trial.spec.model and other.spec.adapter.task_type == "CAUSAL_LM"
        is_lora = other.spec.adapter.peft_type == trial.spec.adapter.peft_type == "LORA"
        if fits and is_lora and (folder / "adapter_model.safetensors").is_file():
            found.setdefault(other.name, folder)
    return found


def _agreement(subjects: Mapping[str, Any], texts: Any, *, told: Told) -> list[dict[str, Any]]:
    from workbench.deployment.agreement import compared

    rows = []
    for name, subject in subjects.items():
        if name == REFERENCE:
            continue
        told(0.0, f"comparing the answers of {name}")
        moved = compared(subjects[REFERENCE], subject, texts)
        rows += [{"variant": name, **asdict(one)} for one in moved]
    return rows


def _memory(subject: Any) -> dict[str, Any]:
    try:
        cache = subject.cache_bytes_per_token()
    except RuntimeError:
        cache = None
    return {"weights_bytes": subject.bytes, "cache_bytes_per_token": cache}


def _peak_bytes() -> int:
    """What this process held at most, so far as the system tells."""
    try:
        import resource
    except ImportError:
        return int(psutil.Process().memory_info().rss)
    import sys

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _machine(device: str) -> dict[str, Any]:
    import torch

    return provenance(device=device, threads=torch.get_num_threads())
