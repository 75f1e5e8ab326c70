"""Which adapter is meant, and which others of its sweep can stand beside it. It loads nothing."""

from pathlib import Path

from workbench.errors import InputError
from workbench.runs.store import SweepStore
from workbench.spec import Trial


def served(path: Path) -> tuple[SweepStore, Trial]:
    """The sweep and the trial that a path means; what cannot be served is refused in words."""
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


def adapters(store: SweepStore, trial: Trial) -> dict[str, Path]:
    """Every stored LoRA adapter on the same base, the trial's own first."""
    found = {trial.name: store.folder(trial.name) / trial.spec.adapter.kept_as}
    for other in store.trials:
        folder = store.folder(other.name) / other.spec.adapter.kept_as
        fits = other.spec.model == trial.spec.model and other.spec.adapter.task_type == "CAUSAL_LM"
        is_lora = other.spec.adapter.peft_type == trial.spec.adapter.peft_type == "LORA"
        if fits and is_lora and (folder / "adapter_model.safetensors").is_file():
            found.setdefault(other.name, folder)
    return found
