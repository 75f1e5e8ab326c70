"""Truncations of one adapter as the trials of a sweep, asked on one base in one pass beside the adapter itself.

`ask(place, ranks=...)` makes a sweep folder that `compare` and `report` read like any other; nothing is trained. The truncations
of a trial get its model, quantization, rows and evals, so that their figures stand beside those it has; an adapter from elsewhere
becomes a sweep as `foreign` makes one. What brings a head or biases of its own cannot share a pass and is asked one after another.
"""

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import InputError, ModelError
from workbench.evals.quality.benchmarks import check_files
from workbench.foreign.adopting import NO_DATA, RECORD, adopt
from workbench.foreign.evaluating import ask_stored
from workbench.foreign.folder import CONFIG, WEIGHTS
from workbench.lens.patterns import lora_fields
from workbench.lens.place import Place, find
from workbench.lens.truncating import fields_of, uniform, write
from workbench.lens.weights import Adapter, read_adapter
from workbench.plan import plan as predict
from workbench.plan.suites import with_suites
from workbench.runs.store import SweepStore
from workbench.scores.catalog import called, check_evals
from workbench.spec import Spec

UNTRUNCATED = "untruncated"
"""What the adapter itself is called among its truncations."""

TRUNCATIONS = "truncations.json"
"""What each trial of such a sweep is: a mapping of its name to a rank, or to null where nothing was cut."""

TRAINED = "trained-"
"""Before the name of an adapter that was trained at its rank."""

_AXIS = ("adapter_name", "r", "lora_alpha", "rank_pattern", "alpha_pattern", "init_lora_weights")


def ask(
    place: Place,
    *,
    ranks: Sequence[int],
    evals: Sequence[str] = (),
    beside: Sequence[str | Path] = (),
    base: str | None = None,
    data: str | None = None,
    out: Path | None = None,
) -> Path:
    """The folder of a sweep of truncations, with what they answered.

    Args:
        place: The adapter that is cut.
        ranks: What it is cut to, each for all modules alike.
        evals: Which; empty takes those of the trial, latency aside.
        beside: Sweeps or trials whose adapters were trained at such ranks.
        base: Of an adapter from elsewhere: the model it is put on; None takes the one it names.
        data: Of an adapter from elsewhere: rows to ask.
        out: The folder to make; None makes one beside the sweep, or under `runs`.
    """
    adapter = read_adapter(place.folder)
    if len(set(ranks)) != len(ranks) or not ranks:
        raise InputError(f"ranks {list(ranks)!r}: give at least one, each once")
    cuts = {f"r{rank}": uniform(adapter, rank=rank) for rank in ranks}
    trained = _trained(adapter, beside)
    if place.trained_here is not None:
        _refuse_said(base=base, data=data)
        store = _of_trial(place, adapter, cuts=cuts, trained=trained, evals=evals, out=out)
    else:
        store = _from_elsewhere(
            place, adapter, cuts=cuts, trained=trained, evals=evals, base=base, data=data, out=out
        )
    told: dict[str, int | None] = {f"r{rank}": rank for rank in ranks}
    told |= dict.fromkeys((UNTRUNCATED, *trained), None)
    store.write_json(
        TRUNCATIONS, {"of": str(place.folder.resolve()), "name": place.name, "ranks": told}
    )
    ask_stored(store.path)
    return store.path


def _refuse_said(**said: Any) -> None:
    for name, value in said.items():
        if value:
            raise InputError(
                f"{name} {value!r}: the trial's spec says that already; leave {name} out"
            )


def _trained(adapter: Adapter, beside: Sequence[str | Path]) -> dict[str, Adapter]:
    """Adapters that were trained at a lower rank, by the name they get; they must lie on the same modules."""
    folders: list[Path] = []
    for one in map(Path, beside):
        is_sweep = (one / "status.json").is_file()
        folders += (
            [one / trial.name for trial in SweepStore.open(one).trials] if is_sweep else [one]
        )
    found: dict[str, Adapter] = {}
    modules = {pair.module for pair in adapter.pairs}
    for folder in folders:
        other = read_adapter(find(folder).folder)
        fits = {pair.module for pair in other.pairs} == modules
        if not fits or other.carried.keys() != adapter.carried.keys():
            raise ModelError(
                f"{str(folder)!r} lies on other modules than this adapter, or brings other weights; only "
                "adapters of the same modules stand beside its truncations"
            )
        own = folder.resolve()
        word = _word(TRAINED + (own.name if own.name != "adapter" else own.parent.name))
        if word in found:
            raise InputError(f"two of the adapters beside are called {folder.name!r}; give one")
        found[word] = other
    return found


def _of_trial(
    place: Place,
    adapter: Adapter,
    *,
    cuts: Mapping[str, Mapping[str, int]],
    trained: Mapping[str, Adapter],
    evals: Sequence[str],
    out: Path | None,
) -> SweepStore:
    own = place.trained_here
    assert own is not None
    assert place.store is not None
    names = {name: fields_of(adapter, ranks=ranks) for name, ranks in cuts.items()}
    names[UNTRUNCATED] = _own_fields(adapter, is_rslora=adapter.is_rslora)
    names |= {
        name: _own_fields(other, is_rslora=adapter.is_rslora) for name, other in trained.items()
    }
    points = [
        [name, *(({**fields, "init_lora_weights": True})[f] for f in _AXIS[1:])]
        for name, fields in names.items()
    ]
    said = own.model_dump(mode="json", exclude_unset=True)
    asked = tuple(evals) or tuple(one for one in own.evals if called(one) != "latency")
    spec = Spec.from_fields(
        {
            **said,
            "name": _name(place, out=out),
            "evals": list(asked),
            "sweep": {", ".join(f"adapter.{field}" for field in _AXIS): points},
        },
        source="a sweep of truncations",
    )
    spec = with_suites(spec)
    check_evals(spec.evals, task=spec.adapter.task_type)
    check_files(spec.evals)
    planned = predict(spec)
    if planned.refused:
        raise ModelError(next(iter(planned.refused.values())))
    store = SweepStore.create(spec, root=place.store.path.parent if out is None else out.parent)
    store.write_json("plan.json", planned.model_dump(mode="json"))
    for name in names:
        _place(adapter, trained, cuts, name=name, folder=store.folder(name) / "adapter")
    store.set_status(trials=dict.fromkeys(names, "trained"))
    return store


def _from_elsewhere(
    place: Place,
    adapter: Adapter,
    *,
    cuts: Mapping[str, Mapping[str, int]],
    trained: Mapping[str, Adapter],
    evals: Sequence[str],
    base: str | None,
    data: str | None,
    out: Path | None,
) -> SweepStore:
    if place.trial is not None:
        # It was made a trial once already, and its base and rows were named then.
        own = place.trial.spec
        base, evals = base or own.model.id, tuple(evals) or own.evals
        data = data or (own.data.id if own.data.id != NO_DATA else None)
    with tempfile.TemporaryDirectory() as temporary:
        names = (*cuts, UNTRUNCATED, *trained)
        folders = [Path(temporary) / name for name in names]
        for name, folder in zip(names, folders, strict=True):
            _place(adapter, trained, cuts, name=name, folder=folder)
        out = out or Path("runs") / _name(place, out=None)
        store = adopt(folders, evals=evals, base=base, data=data, out=out)
    record = store.read_json(RECORD)
    for name, told in record.items():
        # Where it was put for a moment says nothing; what it was cut from does.
        told["path"] = str(trained[name].folder if name in trained else place.folder.resolve())
    store.write_json(RECORD, record)
    return store


def _place(
    adapter: Adapter,
    trained: Mapping[str, Adapter],
    cuts: Mapping[str, Mapping[str, int]],
    *,
    name: str,
    folder: Path,
) -> None:
    if name in cuts:
        write(adapter, ranks=cuts[name], folder=folder)
        return
    source = trained[name].folder if name in trained else adapter.folder
    folder.mkdir()
    for file in (CONFIG, WEIGHTS, "labels.json"):
        if (source / file).is_file():
            shutil.copyfile(source / file, folder / file)


def _own_fields(adapter: Adapter, *, is_rslora: bool) -> dict[str, Any]:
    """The fields of an adapter as it is, in a spec that counts scales this way."""
    ranks = {pair.module: pair.rank for pair in adapter.pairs}
    scales = {pair.module: pair.scale for pair in adapter.pairs}
    return lora_fields(ranks, scales=scales, is_rslora=is_rslora)


def _name(place: Place, *, out: Path | None) -> str:
    if out is not None:
        return out.name
    return _word(f"{place.name[-50:]}-lens")


def _word(text: str) -> str:
    """A text as a folder may be called."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.")[:60].strip("-.")
