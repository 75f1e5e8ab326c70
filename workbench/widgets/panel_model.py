"""The panel without its widgets: fields as traits, and what follows from them.

Setting a field reads the form at once (`spec`, `problems`) and then, on one background thread, looks at the model and
the data (`found`): a hub id may take seconds, and the kernel must not wait for it. `settle()` waits, for scripts and
tests. It starts sweeps through `workbench.job`; it knows no widget.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import traitlets

from workbench.job import Job, start
from workbench.plan.hub_memory import HUB
from workbench.spec import Spec
from workbench.widgets import axes
from workbench.widgets.entries import BY_NAME, allowed, text_of
from workbench.widgets.field_names import DOTTED
from workbench.widgets.form import FIELDS, SPECIAL, Fields, fields_of, held_by, spec_from
from workbench.widgets.looking import Found, Looker


class Written(traitlets.Unicode):
    """What a person wrote in a field; a program may set a number, a list or a mapping too."""

    def __init__(self, *, dotted: str = "") -> None:
        super().__init__()
        self.dotted = dotted

    def validate(self, obj: Any, value: Any) -> Any:
        """The value as the text that a person would have written."""
        if value is not None and not isinstance(value, str) and self.dotted:
            several = isinstance(value, list | tuple | range)
            if allowed(self.dotted).kind == "number" and several:
                value = ", ".join(str(text_of(self.dotted, one)) for one in value)
            elif isinstance(value, bool | int | float | list | tuple | dict):
                value = text_of(self.dotted, value)
        return super().validate(obj, "" if value is None else value)


class PanelModel(traitlets.HasTraits):
    """Fields, their problems, and the sweep they would start.

    Beside the fields below each plain field of `entries.ENTRIES` is a trait too, by the last part of its name in the
    spec: `lora_dropout`, `warmup_steps`, `use_dora`.
    """

    name = Written()
    model_id = Written()
    data_id = Written()
    ranks = traitlets.Tuple()
    alpha = Written(dotted="adapter.lora_alpha")
    targets = traitlets.Tuple()
    rank_pattern = traitlets.Dict()
    alpha_pattern = traitlets.Dict()
    quantization = traitlets.Enum(("none", "8-bit", "nf4", "fp4"), default_value="none")
    double_quant = traitlets.Bool(default_value=False)
    learning_rate = Written(dotted="train.learning_rate")
    epochs = Written(dotted="train.num_train_epochs")
    max_steps = Written(dotted="train.max_steps")
    seeds = Written(dotted="seed")
    evals = traitlets.Tuple()
    also = traitlets.Tuple()
    """Rows of "Also try": pairs of an axis and its values as text."""

    spec = traitlets.Instance(Spec, allow_none=True, read_only=True)
    """What the form means; None while a field is wrong."""
    problems = traitlets.Dict(read_only=True)
    """What is wrong, by field; `""` for the whole."""
    held = traitlets.Dict(read_only=True)
    """Fields that the sweep or the method sets, with the reason."""
    found = traitlets.Instance(Found, args=(), read_only=True)
    looking = traitlets.Bool(default_value=False, read_only=True)
    job = traitlets.Any(default_value=None, allow_none=True, read_only=True)
    """The job that was started or found running."""
    starting = traitlets.Bool(default_value=False, read_only=True)
    turn = traitlets.Int(0, read_only=True)
    """Grows when something above has changed and everything follows from it again."""

    def __init__(self, spec: Spec | None = None, *, runs: str | Path = "runs") -> None:
        super().__init__()
        self.add_traits(**{name: _trait(name) for name in BY_NAME})
        self.runs = Path(runs)
        self._base = spec or Spec()
        self.lock = threading.RLock()
        """Held while fields are read or shown: clicks and the background come from different threads."""
        self._asked = 0
        self._misread: dict[str, str] = {}
        self._waiting = 0
        self._looker = Looker(runs=self.runs)
        self._background = ThreadPoolExecutor(max_workers=1, thread_name_prefix="workbench-look")
        self.observe(self._read, names=list(FIELDS))
        self.load(self._base)

    @property
    def fields(self) -> Fields:
        """The form as it is filled in."""
        special = {name: getattr(self, name) for name in SPECIAL}
        return Fields(**special, others={name: getattr(self, name) for name in BY_NAME})

    def load(self, spec: Spec) -> None:
        """Show a spec; what the form does not cover is kept for the sweep."""
        filled = fields_of(spec)
        values = {name: getattr(filled, name) for name in SPECIAL} | dict(filled.others)
        with self.lock:
            self._base = spec
            self.fill(values)

    def fill(self, values: Mapping[str, Any]) -> None:
        """Set several fields, of which everything else follows once."""
        with self.lock:
            self._waiting += 1
            try:
                for name, value in values.items():
                    setattr(self, name, value)
            finally:
                self._waiting -= 1
            self._read()

    @property
    def reason(self) -> str:
        """Why nothing can be started now, in words; empty when it can."""
        if self.problems:
            first, said = next(iter(self.problems.items()))
            return f"{label_of(first)}: {said}" if first else said
        if self.starting:
            return "starting …"
        if self.looking:
            return "looking at the model …"
        return ""

    def settle(self, *, timeout: float = 60) -> None:
        """Wait until everything set so far has been looked at, and what was started has started."""
        self._background.submit(lambda: None).result(timeout)

    def later(self, call: Callable[[], None]) -> None:
        """Do something on the background thread, after what it was asked before."""
        self._background.submit(call)

    def look_again(self) -> None:
        """Ask a hub once more after what it refused."""
        HUB.forget_refusals()
        self._read()

    def start(self, *, then: Callable[[Job | Exception], None]) -> None:
        """Start the sweep in the background; `then` gets its job, or the error that prevented it."""
        spec = self.spec
        if spec is None or self.starting:
            return
        self.set_trait("starting", True)
        self._turn()
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
            self._turn()
        then(outcome)

    def _read(self, _: Any = None) -> None:
        with self.lock:
            if self._waiting:
                return
            filled = self.fields
            spec, self._misread = spec_from(filled, base=self._base)
            self._asked += 1
            self.set_trait("held", held_by(filled))
            self.set_trait("spec", spec)
            self.set_trait("problems", self._misread)
            model_id = self.model_id.strip()
            # With another field wrong the modules of the model are still worth showing.
            look_at = bool(model_id) and "model_id" not in self._misread
            self.set_trait("looking", look_at)
            if look_at:
                self._background.submit(self._look, spec, model_id, self._asked)
            self._turn()

    def _turn(self) -> None:
        self.set_trait("turn", self.turn + 1)

    def _look(self, spec: Spec | None, model_id: str, asked: int) -> None:
        if asked != self._asked:
            return
        found = self._looker.look(spec, model_id=model_id)
        with self.lock:
            if asked != self._asked:
                return
            self.set_trait("found", found)
            self.set_trait("problems", {**self._misread, **found.problems})
            self.set_trait("looking", False)
            self._turn()


def _trait(name: str) -> traitlets.TraitType[Any, Any]:
    dotted = BY_NAME[name].dotted
    if allowed(dotted).kind == "flag":
        return traitlets.Bool(default_value=False)
    return Written(dotted=dotted)


LABELS = {
    "name": "Name",
    "model_id": "Model",
    "data_id": "Data",
    "ranks": "Rank",
    "alpha": "Alpha",
    "targets": "Target modules",
    "rank_pattern": "Painted ranks",
    "alpha_pattern": "Painted alphas",
    "quantization": "Quantization",
    "learning_rate": "Learning rate",
    "epochs": "Epochs",
    "max_steps": "Steps",
    "seeds": "Seeds",
    "evals": "Evals",
    **{name: entry.label for name, entry in BY_NAME.items()},
}
"""What a person reads beside each field."""

AXIS_LABELS = {DOTTED[field]: label for field, label in LABELS.items()}


def label_of(field: str) -> str:
    """What a person reads beside a field, or beside a row of "Also try"."""
    row, colon, key = field.partition(":")
    if row == "also" and colon:
        return f"Also try {AXIS_LABELS.get(key, key)}"
    return LABELS.get(field, field)


def choices() -> dict[str, str]:
    """What a row of "Also try" may vary, with what the form calls it."""
    return axes.labelled(AXIS_LABELS)
