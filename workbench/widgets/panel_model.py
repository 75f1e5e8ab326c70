"""The panel without its widgets: fields as traits, and what follows from them.

Setting a field reads the form at once (`spec`, `problems`) and then, on one background thread, looks at the model and
the data (`found`): a hub id may take seconds, and the kernel must not wait for it. `settle()` waits, for scripts and
tests. It starts sweeps through `workbench.job`; it knows no widget.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import traitlets

from workbench.errors import DataError, InputError, ModelError
from workbench.job import Job, plan, start
from workbench.plan.locate import locate
from workbench.plan.plan import Plan
from workbench.plan.shape import modules
from workbench.spec import Spec
from workbench.widgets.form import (
    FIELDS,
    Fields,
    by_field,
    fields_of,
    locked,
    spec_from,
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at the model and the data of a spec gave."""

    targets: dict[str, int] = field(default_factory=dict)
    """What `target_modules` may name in this model, and how many modules have that name."""
    plan: Plan | None = None
    problems: dict[str, str] = field(default_factory=dict)


class PanelModel(traitlets.HasTraits):
    """Fields, their problems, and the sweep they would start."""

    name = traitlets.Unicode()
    model_id = traitlets.Unicode()
    data_id = traitlets.Unicode()
    ranks = traitlets.Tuple()
    targets = traitlets.Tuple()
    quantization = traitlets.Unicode("none")
    double_quant = traitlets.Bool(default_value=False)
    learning_rate = traitlets.Unicode()
    epochs = traitlets.Unicode()
    max_steps = traitlets.Unicode()
    seeds = traitlets.Unicode()

    spec = traitlets.Instance(Spec, allow_none=True, read_only=True)
    """What the form means; None while a field is wrong."""
    problems = traitlets.Dict(read_only=True)
    """What is wrong, by field; `""` for the whole."""
    held = traitlets.Dict(read_only=True)
    """Fields that the sweep sets in a way the form cannot show, with the reason."""
    found = traitlets.Instance(Found, args=(), read_only=True)
    looking = traitlets.Bool(default_value=False, read_only=True)
    job = traitlets.Any(default_value=None, allow_none=True, read_only=True)
    """The job that was started or found running."""
    starting = traitlets.Bool(default_value=False, read_only=True)

    def __init__(self, spec: Spec | None = None, *, runs: str | Path = "runs") -> None:
        super().__init__()
        self.runs = Path(runs)
        self._base = spec or Spec()
        self.lock = threading.RLock()
        """Held while fields are read or shown: clicks and the background come from different threads."""
        self._asked = 0
        self._misread: dict[str, str] = {}
        self._loading = False
        self._background = ThreadPoolExecutor(max_workers=1, thread_name_prefix="workbench-look")
        self.observe(self._read, names=list(FIELDS))
        self.load(self._base)

    @property
    def fields(self) -> Fields:
        """The form as it is filled in."""
        return Fields(**{name: getattr(self, name) for name in FIELDS})

    def load(self, spec: Spec) -> None:
        """Show a spec; what the form does not cover is kept for the sweep."""
        with self.lock:
            self._base = spec
            self._loading = True
            try:
                self.set_trait("held", locked(spec))
                for name, value in asdict(fields_of(spec)).items():
                    setattr(self, name, value)
            finally:
                self._loading = False
            self._read()

    @property
    def reason(self) -> str:
        """Why nothing can be started now, in words; empty when it can."""
        if self.problems:
            said = next(iter(self.problems.values()))
            first = next(iter(self.problems))
            return f"{LABELS.get(first, '')}: {said}" if first else said
        if self.starting:
            return "starting …"
        if self.looking:
            return "looking at the model …"
        return ""

    def settle(self, *, timeout: float = 60) -> None:
        """Wait until everything set so far has been looked at, and what was started has started."""
        self._background.submit(lambda: None).result(timeout)

    def start(self, *, then: Callable[[Job | Exception], None]) -> None:
        """Start the sweep in the background; `then` gets its job, or the error that prevented it."""
        spec = self.spec
        if spec is None or self.starting:
            return
        self.set_trait("starting", True)
        self._background.submit(self._start, spec, then)

    def _start(self, spec: Spec, then: Callable[[Any], None]) -> None:
        outcome: Any
        try:
            outcome = start(spec, runs=self.runs)
            self.set_trait("job", outcome)
        except Exception as error:  # noqa: BLE001 - handed on and shown; nobody else sees this thread
            outcome = error
        finally:
            self.set_trait("starting", False)
        then(outcome)

    def _read(self, _: Any = None) -> None:
        with self.lock:
            if self._loading:
                return
            spec, self._misread = spec_from(self.fields, base=self._base)
            self._asked += 1
            self.set_trait("spec", spec)
            self.set_trait("problems", self._misread)
            model_id = self.model_id.strip()
            # With another field wrong the modules of the model are still worth showing.
            look_at = bool(model_id) and "model_id" not in self._misread
            self.set_trait("looking", look_at)
            if look_at:
                self._background.submit(self._look, spec, model_id, self._asked)

    def _look(self, spec: Spec | None, model_id: str, asked: int) -> None:
        if asked != self._asked:
            return
        found = look(spec, model_id=model_id)
        with self.lock:
            if asked != self._asked:
                return
            self.set_trait("found", found)
            self.set_trait("problems", {**self._misread, **found.problems})
            self.set_trait("looking", False)


LABELS = {
    "name": "Name",
    "model_id": "Model",
    "data_id": "Data",
    "ranks": "Rank",
    "targets": "Target modules",
    "quantization": "Quantization",
    "learning_rate": "Learning rate",
    "epochs": "Epochs",
    "max_steps": "Steps",
    "seeds": "Seeds",
}
"""What a person reads beside each field."""


def look(spec: Spec | None, *, model_id: str) -> Found:
    """Look at the model, and where there is a spec plan it and check its data."""
    targets: dict[str, int] = {}
    try:
        where = spec.model.revision if spec else None
        for module in modules(locate(model_id, revision=where)):
            targets[module.target] = targets.get(module.target, 0) + 1
        if spec is None:
            return Found(targets)
        return Found(targets, plan(spec))
    except ModelError as error:
        return Found(targets, None, {"model_id": str(error)})
    except DataError as error:
        return Found(targets, None, {"data_id": str(error)})
    except InputError as error:
        return Found(targets, None, by_field(str(error)))
    except Exception as error:  # noqa: BLE001 - shown in the panel; nobody else sees this thread
        return Found(targets, None, {"": f"{type(error).__name__}: {error}"})
