"""Where an adapter lies, and what is known of how it was made: `find(path)` takes a trial, a sweep of one, or a folder of PEFT's.

Of a trial of a sweep its spec is known, and with it the base, the rows and the evals; of a folder from elsewhere only what its
config says. It opens no weights.
"""

from dataclasses import dataclass
from pathlib import Path

from workbench.errors import InputError, StoreError
from workbench.foreign.adopting import RECORD
from workbench.foreign.folder import CONFIG
from workbench.runs.store import SweepStore
from workbench.spec import Spec, Trial


@dataclass(frozen=True)
class Place:
    """An adapter's folder, and the trial that made it."""

    folder: Path
    store: SweepStore | None = None
    trial: Trial | None = None

    @property
    def name(self) -> str:
        """What it is called."""
        if self.store is None or self.trial is None:
            return self.folder.resolve().name
        return f"{self.store.path.name}/{self.trial.name}"

    @property
    def trained_here(self) -> Spec | None:
        """The spec that it was trained from; None where that was elsewhere."""
        if self.store is None or self.trial is None or (self.store.path / RECORD).is_file():
            return None
        return self.trial.spec


def find(path: Path) -> Place:
    """The adapter that a path means; one is meant, never several."""
    if (path / "status.json").is_file():
        store = SweepStore.open(path)
        if len(store.trials) > 1:
            names = ", ".join(trial.name for trial in store.trials[:4])
            raise InputError(
                f"{str(path)!r} has {len(store.trials)} trials; name one, "
                f"{str(path / store.trials[0].name)!r} for instance (there are {names}"
                f"{', ...' if len(store.trials) > 4 else ''})"
            )
        return _trained(store, store.trials[0])
    if (path / CONFIG).is_file():
        above = path.resolve().parent
        is_kept = path.resolve().name == "adapter" and (above.parent / "status.json").is_file()
        return _of_trial(above) if is_kept else Place(folder=path)
    if (path.absolute().parent / "status.json").is_file():
        return _of_trial(path.absolute())
    what = "holds no adapter" if path.is_dir() else "is no folder"
    raise StoreError(
        f"{str(path)!r} {what}; give SWEEP/TRIAL, a sweep with one trial, or a folder with {CONFIG}"
    )


def _of_trial(folder: Path) -> Place:
    store = SweepStore.open(folder.parent)
    store.folder(folder.name)
    trial = next((one for one in store.trials if one.name == folder.name), None)
    if trial is None:
        raise InputError(f"{str(folder)!r} is the base, which has no adapter; name a trial")
    return _trained(store, trial)


def _trained(store: SweepStore, trial: Trial) -> Place:
    adapter = trial.spec.adapter
    if adapter.peft_type != "LORA":
        raise InputError(
            f"{trial.name!r} has the peft_type {adapter.peft_type}; only LORA has a rank that could be cut"
        )
    folder = store.folder(trial.name) / adapter.kept_as
    if not (folder / CONFIG).is_file():
        raise InputError(f"{trial.name!r} has no adapter yet; train it first")
    return Place(folder=folder, store=store, trial=trial)
