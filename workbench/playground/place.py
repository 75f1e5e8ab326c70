"""What a playground can ask: a sweep, a trial of one, adapters in PEFT's format, or a model alone; read without torch.

`find("runs/rank-sweep")` gives a `Place`: the base and the trials with a word about each, why one cannot be asked, and
how much memory they will take. Adapters from elsewhere are put into a sweep folder under a temporary name, as
`wb.evaluate` puts them into one. It loads nothing and writes nothing into a sweep.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import InputError, ModelError, StoreError, nearest
from workbench.plan.locate import MICROWORLD, locate, name_for_others
from workbench.plan.memory import FLOOR_BYTES, weight_bytes
from workbench.plan.shape import read_shape
from workbench.plan.sharing import by_base
from workbench.runs.store import SweepStore
from workbench.scores.task import BASE
from workbench.spec import ModelSpec, Spec, Trial

NEEDS_AN_EVAL = ("retention",)
"""What a sweep of adapters from elsewhere says it is asked: a word is needed, and nothing is scored here."""


@dataclass(frozen=True, kw_only=True)
class Slot:
    """The base or a trial."""

    name: str
    about: str = ""
    why: str = ""
    """Why it cannot be asked; empty when it can."""
    own_bytes: int = 0
    """What it adds to its base."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """What can be asked."""

    title: str
    model: ModelSpec
    folder: Path
    """Of the model."""
    slots: tuple[Slot, ...]
    sweep: Path | None = None
    data: str = ""
    """The set that the trials learned from."""
    bases: tuple[tuple[int, tuple[str, ...]], ...] = ()
    """What is loaded: the bytes of each base and the trials on it, in the order in which they are asked."""
    items_file: Path = Path("my_items.jsonl")
    kept: Any = None
    """Holds the temporary folder of adapters from elsewhere while it is needed."""

    @property
    def askable(self) -> tuple[str, ...]:
        """Who can be asked."""
        return tuple(slot.name for slot in self.slots if not slot.why)

    def predicted(self, chosen: Sequence[str]) -> int:
        """Bytes of the process that asks these."""
        own = {slot.name: slot.own_bytes for slot in self.slots}
        # The base is asked on the first that is loaded.
        needed = [
            one
            for place, one in enumerate(self.bases)
            if set(one[1]) & set(chosen) or (place == 0 and BASE in chosen)
        ]
        held = sum(size + sum(own[name] for name in names) for size, names in needed)
        return FLOOR_BYTES + held

    def check(self, chosen: Sequence[str]) -> list[str]:
        """The same names in the order of the place; who cannot be asked is refused."""
        whys = {slot.name: slot.why for slot in self.slots}
        for name in chosen:
            if name not in whys:
                raise InputError(f"{name!r} is not here. {nearest(name, whys)}")
            if whys[name]:
                raise InputError(f"{name!r} cannot be asked: {whys[name]}")
        if not chosen:
            raise InputError("nobody is chosen to answer; choose the base or an adapter")
        return [name for name in whys if name in chosen]


def find(wanted: Any, *, adapters: Sequence[str | Path] | None = None) -> Place:
    """What can be asked at a path, of a job, or of a model.

    Args:
        wanted: A job, a sweep folder, a trial of one, an adapter's folder, a model as specs name it, or a spec.
        adapters: Of a sweep the trials to take; of a model the folders of adapters to put on.
    """
    wanted = getattr(wanted, "path", wanted)
    if isinstance(wanted, Spec):
        wanted = wanted.model
    if isinstance(wanted, ModelSpec):
        return _model(wanted, adapters=adapters)
    if not isinstance(wanted, str | Path):
        raise InputError(
            f"a playground of {type(wanted).__name__} cannot be made; give a job, the folder of a sweep, "
            "a trial or an adapter, or a model"
        )
    path = Path(wanted).expanduser()
    if wanted == MICROWORLD:
        return _model(ModelSpec(id=MICROWORLD), adapters=adapters)
    if (path / "status.json").is_file():
        return _sweep(SweepStore.open(path), only=adapters)
    if path.is_dir():
        return _folder_of_another_kind(path, wanted, adapters=adapters)
    if isinstance(wanted, Path) or str(wanted).startswith(("/", "./", "../", "~")):
        raise StoreError(
            f"there is no folder {str(wanted)!r}; give that of a sweep, a trial, an adapter or a model"
        )
    return _model(ModelSpec(id=wanted), adapters=adapters)


def _folder_of_another_kind(
    path: Path, wanted: str | Path, *, adapters: Sequence[str | Path] | None
) -> Place:
    """A folder that is no sweep: an adapter, a model, or a trial."""
    # Brings SciPy with it, which a sweep of one's own does without.
    from workbench.foreign.folder import CONFIG, is_foreign

    if is_foreign(path):
        if (path / CONFIG).is_file():
            return _adopted([path, *map(Path, adapters or ())], base=None)
        return _model(ModelSpec(id=str(wanted)), adapters=adapters)
    above = path.absolute().parent
    if (above / "status.json").is_file():
        if adapters:
            raise InputError(f"{str(path)!r} is one trial; leave out adapters")
        return _sweep(SweepStore.open(above), only=[path.absolute().name])
    raise StoreError(
        f"{str(path)!r} is neither a sweep nor a trial nor an adapter nor a model: it has no "
        f"status.json, no {CONFIG} and no config.json"
    )


def _sweep(
    store: SweepStore,
    *,
    only: Sequence[str | Path] | None,
    title: str = "",
    kept: Any = None,
) -> Place:
    named = {trial.name: trial for trial in store.trials}
    for name in only or ():
        if str(name) not in named:
            raise InputError(
                f"{store.path.name!r} has no trial {str(name)!r}. {nearest(str(name), named)}"
            )
    trials = [t for name, t in named.items() if not only or name in map(str, only)]
    slots = [_slot(store, trial) for trial in trials]
    ready = [t for t, slot in zip(trials, slots, strict=True) if not slot.why]
    model = store.spec.model if not ready else ready[0].spec.model
    folder = _folder(model)
    writes = any(t.spec.adapter.task_type == "CAUSAL_LM" for t in trials)
    base = Slot(
        name=BASE,
        about=f"{model.id}, without an adapter",
        why="" if writes else "the sweep tells labels apart, and writes nothing",
    )
    groups = by_base(ready)
    return Place(
        title=title or store.path.name,
        model=model,
        folder=folder,
        slots=(base, *slots),
        sweep=store.path,
        data=store.spec.data.id,
        bases=tuple((_bytes(group[0].spec), tuple(t.name for t in group)) for group in groups)
        or ((_bytes(store.spec), ()),),
        items_file=(Path.cwd() if kept is not None else store.path.parent) / "my_items.jsonl",
        kept=kept,
    )


def _slot(store: SweepStore, trial: Trial) -> Slot:
    adapter = trial.spec.adapter
    about = f"{adapter.peft_type.replace('_', ' ').lower()}"
    about = {"lora": "LoRA", "full": "all weights", "ia3": "IA3", "vera": "VeRA"}.get(about, about)
    if adapter.peft_type in ("LORA", "VERA"):
        about += f", r {adapter.r}"
    if adapter.peft_type != "FULL" and adapter.peft_type != "PROMPT_TUNING":
        on = adapter.target_modules
        about += f", on {on if isinstance(on, str) else ' '.join(on)}"
    kept = store.folder(trial.name) / adapter.kept_as
    return Slot(
        name=trial.name,
        about=about,
        why=_why_not(store, trial, kept=kept),
        own_bytes=_stored_bytes(kept),
    )


def _why_not(store: SweepStore, trial: Trial, *, kept: Path) -> str:
    if trial.spec.adapter.task_type != "CAUSAL_LM":
        return "it tells labels apart, and writes nothing"
    if kept.exists():
        return ""
    state = store.status().trials.get(trial.name, "queued")
    said = {"queued": "it is not trained yet", "training": "it is still being trained"}
    return said.get(state, f"it {state}, and left no {adapter_word(trial)}")


def adapter_word(trial: Trial) -> str:
    """What a trial leaves behind."""
    return "model" if trial.spec.adapter.peft_type == "FULL" else "adapter"


def _stored_bytes(kept: Path) -> int:
    if not kept.is_dir():
        return 0
    # What trained all weights is read into its base, and kept beside it as a control.
    return sum(path.stat().st_size for path in kept.glob("*.safetensors"))


def _model(model: ModelSpec, *, adapters: Sequence[str | Path] | None) -> Place:
    if adapters:
        return _adopted([Path(one) for one in adapters], base=model.id)
    folder = _folder(model)
    return Place(
        title=model.id,
        model=model,
        folder=folder,
        slots=(Slot(name=BASE, about=f"{model.id}, without an adapter"),),
        data="microworld/updates" if _is_microworld(model.id) else "",
        bases=((_bytes(Spec(model=model)), ()),),
        items_file=Path.cwd() / "my_items.jsonl",
    )


def _adopted(paths: Sequence[Path], *, base: str | None) -> Place:
    from workbench.foreign.adopting import adopt

    kept = tempfile.TemporaryDirectory(prefix="workbench-playground-")
    store = adopt(paths, evals=NEEDS_AN_EVAL, base=base, out=Path(kept.name) / "adapters")
    title = ", ".join(trial.name for trial in store.trials)
    return _sweep(store, only=None, title=title, kept=kept)


def _folder(model: ModelSpec) -> Path:
    return locate(model.id, revision=model.revision, trust_remote_code=model.trust_remote_code)


def _bytes(spec: Spec) -> int:
    try:
        shape = read_shape(_folder(spec.model))
    except ModelError:
        # One that is stored quantized does not tell its sizes; the loader says what it thinks of that.
        return 0
    return weight_bytes(shape, dtype=spec.model.dtype, quantization=spec.quantization)


def _is_microworld(model: str) -> bool:
    return model == MICROWORLD or name_for_others(model) == name_for_others(MICROWORLD)


def is_microworld(place: Place) -> bool:
    """Whether the model grew up in the micro-world, whose words and questions are known."""
    return _is_microworld(place.model.id)
