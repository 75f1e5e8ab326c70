"""What a sweep says, told to the trackers of accelerate too: `train.report_to: [tensorboard]` asks for it.

`check_trackers(spec)` is called before anything is trained; `with tracked(store):` then tells every event of the store
to a run of its own for each trial, whose files lie in the trial's folder. A tracker that breaks is dropped with one
warning and the training goes on. No tracker's library, nor accelerate, is loaded unless one was asked for.
"""

import importlib.util
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

from workbench import events
from workbench.errors import SpecError, nearest, needs
from workbench.runs.store import SweepStore
from workbench.scores.task import BASE
from workbench.spec import Spec, Trial

TRACKERS = (
    "aim", "clearml", "comet_ml", "dvclive", "mlflow", "swanlab", "tensorboard", "trackio", "wandb",
)  # fmt: skip
"""The names that accelerate knows, each also that of the package it needs."""

ONE_RUN_A_PROCESS = frozenset({"clearml", "mlflow", "swanlab"})
"""Libraries that write to one run at a time; a sweep writes to one a trial, all at once."""

FOLDER = "trackers"
"""Where a tracker keeps its files, in the folder of a trial."""

_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|AUTH", re.IGNORECASE)


def check_trackers(spec: Spec) -> None:
    """Whether every tracker that a spec asks for is known, installed and fit for a sweep; an error when not."""
    trials = spec.grid()
    for name in dict.fromkeys(name for trial in trials for name in trial.spec.train.report_to):
        if name not in TRACKERS:
            raise SpecError(
                f"train.report_to: there is no tracker {name!r}. {nearest(name, TRACKERS)}"
            )
        if importlib.util.find_spec(name) is None:
            raise needs(name, f"train.report_to: {name}")
        if name in ONE_RUN_A_PROCESS and len(trials) > 1:
            several = [one for one in TRACKERS if one not in ONE_RUN_A_PROCESS]
            raise SpecError(
                f"train.report_to: {name!r} writes to one run at a time, and the {len(trials)} trials "
                f"of this sweep are trained at once; choose one of {', '.join(several)}, or a spec "
                "without a sweep"
            )


@contextmanager
def tracked(store: SweepStore) -> Iterator[None]:
    """While it lasts the trackers that the trials asked for are told what the store is told."""
    if not any(trial.spec.train.report_to for trial in store.trials):
        yield
        return
    tracking = _Tracking(store)
    store.listeners.append(tracking.hear)
    try:
        yield
    finally:
        store.listeners.remove(tracking.hear)
        tracking.finish()


@final
class _Tracking:
    """The open runs of a sweep's trials."""

    def __init__(self, store: SweepStore) -> None:
        self._store = store
        self._trials = {trial.name: trial for trial in store.trials}
        self._runs: dict[str, dict[str, Any]] = {}
        """Trial -> name of the tracker -> its open run."""
        self._dropped: set[str] = set()

    def hear(self, event: Any) -> None:
        match event:
            case events.Started():
                self._close(event.trial)
                self._open(self._trials[event.trial], from_step=event.from_step)
            case events.Step():
                names = ("loss", "learning_rate", "grad_norm", "num_tokens", "epoch")
                values = {name: getattr(event, name) for name in names}
                self._log(event.trial, values, step=event.step)
            case events.HeldOut():
                self._log(event.trial, {"eval_loss": event.loss}, step=event.step)
            case events.Evaluated() if event.trial != BASE:
                self._log(event.trial, _figures(event), step=self._reached(event.trial))
            case _:
                pass

    def finish(self) -> None:
        for trial in list(self._runs):
            self._close(trial)

    def _open(self, trial: Trial, *, from_step: int | None) -> None:
        runs = self._runs.setdefault(trial.name, {})
        for name in trial.spec.train.report_to:
            if name in self._dropped:
                continue
            try:
                runs[name] = _opened(self._store, trial, name=name, from_step=from_step)
            except Exception as error:  # noqa: BLE001 - a stranger's library; it is said and left out
                self._drop(name, error)

    def _log(self, trial: str, values: dict[str, float], *, step: int) -> None:
        if trial not in self._runs:  # trained by an earlier worker
            self._open(self._trials[trial], from_step=None)
        for name, run in list(self._runs[trial].items()):
            try:
                run.log(values, step=step)
            except Exception as error:  # noqa: BLE001 - as above
                self._drop(name, error)

    def _close(self, trial: str) -> None:
        for name, run in self._runs.pop(trial, {}).items():
            try:
                run.finish()
            except Exception as error:  # noqa: BLE001 - as above
                self._drop(name, error)

    def _reached(self, trial: str) -> int:
        steps = self._store.steps(trial)
        return steps[-1].step if steps else 0

    def _drop(self, name: str, error: Exception) -> None:
        """Leave a tracker out from here on; what broke it for one trial would break it for the next."""
        for runs in self._runs.values():
            runs.pop(name, None)
        if name not in self._dropped:
            self._dropped.add(name)
            said = f"{type(error).__name__}: {_without_secrets(str(error))}"
            message = f"the tracker {name} broke off and is told nothing more ({said})"
            self._store.append(events.Warned(code="tracker", message=message))


def _opened(store: SweepStore, trial: Trial, *, name: str, from_step: int | None) -> Any:
    """A started run of accelerate's tracker, which knows the trial's spec."""
    from accelerate.state import PartialState
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS

    PartialState()  # some of the trackers log through accelerate, which refuses without it
    folder = store.folder(trial.name) / FOLDER
    is_new = not (folder / name).exists()
    (folder / name).mkdir(parents=True, exist_ok=True)
    called, config = f"{store.path.name}/{trial.name}", _plain(trial.spec)
    kind = LOGGER_TYPE_TO_CLASS[name]
    if name == "tensorboard":
        # Steps that a killed worker told, and that are trained again, are taken back.
        again = {} if from_step is None else {"purge_step": from_step + 1}
        run = kind(name, folder, **again)
    elif name == "wandb":
        run = kind(store.path.name, **_wandb(folder / name, called=called, config=config))
    elif name == "trackio":
        run = kind(store.path.name, name=called, config=config)
    elif name == "dvclive":
        run = kind(None, dir=str(folder / name), resume=not is_new, report=None, save_dvc_exp=False)
    else:
        run = kind(called, str(folder / name)) if kind.requires_logging_directory else kind(called)
    run.start()
    if is_new and name not in ("wandb", "trackio"):
        run.store_init_configuration(config)
    return run


def _wandb(folder: Path, *, called: str, config: dict[str, Any]) -> dict[str, Any]:
    """A run beside the others of this process, continued by its id, without a word about machine or environment."""
    kept = folder / "run-id"
    if not kept.exists():
        kept.write_text(secrets.token_hex(8), encoding="utf-8")
    quiet = {
        "console": "off",
        "disable_git": True,
        "host": "workbench",
        "save_code": False,
        "x_disable_machine_info": True,
        "x_disable_meta": True,
    }
    return {
        "name": called,
        "id": kept.read_text(encoding="utf-8"),
        "resume": "allow",
        "reinit": "create_new",
        "dir": str(folder),
        "config": config,
        "settings": quiet,
    }


def _figures(event: events.Evaluated) -> dict[str, float]:
    found = {"": event.value, "_low": event.low, "_high": event.high}
    return {f"scores/{event.eval}{end}": v for end, v in found.items() if v is not None}


def _plain(spec: Spec) -> dict[str, Any]:
    """A spec as one level of values that every tracker takes: `adapter.r`, `train.learning_rate`, ..."""
    fields = spec.model_dump(mode="json", exclude={"sweep"})
    flat: dict[str, Any] = {}
    while fields:
        key, value = fields.popitem()
        if isinstance(value, dict):
            fields |= {f"{key}.{inner}": below for inner, below in value.items()}
        elif value is not None:
            flat[key] = value if isinstance(value, bool | int | float | str) else str(value)
    return dict(sorted(flat.items()))


def _without_secrets(text: str) -> str:
    """An error of a library may quote the key that it was refused with."""
    for name, value in os.environ.items():
        if len(value) >= 6 and _SECRET.search(name):
            text = text.replace(value, "***")
    return text
