"""The panel: choose rank, target modules, quantization and training, see the cost, start, and watch it run.

`wb.panel()` shows it in a notebook; `panel.spec` is what it means, and setting `panel.spec` loads another one.
Everything it does can be had as code: that is what "Copy as code" shows. The view holds no state of its own: what is
chosen lies in `PanelModel`, what runs lies in the sweep folder.
"""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets
from markupsafe import escape

from workbench.errors import SpecError
from workbench.plan.card import cost_card
from workbench.runs.store import WORKING, SweepStore, find_sweeps
from workbench.spec import Spec
from workbench.widgets.callbacks import reachable, shown
from workbench.widgets.chips import Chips
from workbench.widgets.code_box import CodeBox
from workbench.widgets.form import ALL_LINEAR, FIELDS, QUANTIZATIONS
from workbench.widgets.live_run import LiveRun, as_table
from workbench.widgets.panel_model import LABELS, PanelModel
from workbench.widgets.watch import LIVE

if TYPE_CHECKING:
    from workbench.job import Job

RANKS = (1, 2, 4, 8, 16, 32, 64)
"""Ranks offered; others appear when a spec brings them."""

HINTS = {
    "ranks": "Several ranks, learning rates or seeds make a sweep of every combination.",
    "model_id": "microworld, a folder, or a hub id such as owner/name (downloaded once)",
    "data_id": "microworld/updates, a json, jsonl, csv or parquet file, or a hub id",
    "max_steps": "empty: as many as the epochs take",
}
"""What stands below a field, or inside an empty one."""

TEXTS = ("model_id", "data_id", "name", "learning_rate", "epochs", "max_steps", "seeds")
FOLLOWS = ("spec", "problems", "found", "looking", "starting", "job")
"""What follows from the fields."""

SLOW = ("model_id", "data_id")
"""Fields that are looked up elsewhere, and so are read only when they are left."""


def panel(spec: Spec | str | Path | None = None, *, runs: str | Path = "runs") -> "Panel":
    """A form for a sweep, with its cost, its start and its live curves.

    Args:
        spec: What to begin with; a path is loaded.
        runs: The folder that sweeps are written to.
    """
    return Panel(Spec.load(spec) if isinstance(spec, str | Path) else spec, runs=runs)


class Panel(ipywidgets.VBox):
    """The form and, below it, the sweep that runs."""

    def __init__(self, spec: Spec | None = None, *, runs: str | Path = "runs") -> None:
        super().__init__()
        for name in ("wb", "wb-panel"):
            self.add_class(name)
        self.model = PanelModel(spec, runs=runs)
        self.live: LiveRun | None = None
        self._filling = False
        self.texts = {field: self._text(field) for field in TEXTS}
        self.chips = {
            "ranks": self._chips({}, hint="Rank"),
            "targets": self._chips({}, hint="Put an adapter on"),
            "quantization": self._chips(
                {word: word for word in QUANTIZATIONS},
                hint="One of these, store the base as:",
                exclusive=True,
            ),
            "double_quant": self._chips(
                {"double quantization": True}, hint="Quantize the scales too:"
            ),
        }
        self.wrong = {field: _note("wb-wrong") for field in LABELS}
        self.card = _note("wb-card")
        self.reason = _note("wb-reason")
        self.start = ipywidgets.Button(
            description="Start", button_style="primary", tooltip="Start training"
        )
        self.code = ipywidgets.Button(
            description="Copy as code", tooltip="Show the YAML and the script"
        )
        self.box = CodeBox()
        self._live_box = ipywidgets.VBox()
        self._live_box.add_class("wb-live-box")
        self.children = self._layout()
        self._connect()
        reachable(self)
        self._draw_fields()
        self._take_up_running()

    @property
    def spec(self) -> Spec:
        """What the form means; SpecError while a field is wrong."""
        if self.model.spec is None:
            raise SpecError(f"the panel is not filled in yet. {self.model.reason}")
        return self.model.spec

    @spec.setter
    def spec(self, spec: Spec) -> None:
        self.model.load(spec)

    @property
    def job(self) -> "Job | None":
        """The job that was started here, or found running."""
        return self.live.job if self.live else None

    def say_problem(self, text: str) -> None:
        """Show what went wrong beside the buttons."""
        self.reason.value = f"<span class='wb-problem' role='alert'>{escape(text)}</span>"

    def settle(self, *, timeout: float = 60) -> None:
        """Wait until what was set has been looked at, and what was started has started."""
        self.model.settle(timeout=timeout)

    def _text(self, field: str) -> ipywidgets.Text:
        text = ipywidgets.Text(
            description=LABELS[field],
            placeholder=HINTS.get(field, ""),
            tooltip=HINTS.get(field),
            continuous_update=field not in SLOW,
            style={"description_width": "112px"},
        )
        return text

    def _chips(self, labels: dict[str, Any], *, hint: str, exclusive: bool = False) -> Chips:
        return Chips(labels, exclusive=exclusive, hint=hint, lock=self.model.lock)

    def _layout(self) -> list[ipywidgets.Widget]:
        four = ("learning_rate", "seeds", "epochs", "max_steps")
        training = ipywidgets.Box([self._field(field) for field in four])
        training.add_class("wb-grid-2")
        groups = [
            _group("Model and data", *(self._field(f) for f in ("model_id", "data_id", "name"))),
            _group("Adapter", *(self._field(f) for f in ("ranks", "targets", "quantization"))),
            _group("Training", training),
        ]
        columns = ipywidgets.Box([ipywidgets.VBox(groups), self.card])
        columns.add_class("wb-columns")
        actions = ipywidgets.HBox([self.start, self.code, self.reason])
        actions.add_class("wb-actions")
        return [columns, actions, self.box, self._live_box]

    def _field(self, field: str) -> ipywidgets.Widget:
        if field in self.texts:
            return _stack(self.texts[field], self.wrong[field])
        caption = ipywidgets.Label(LABELS[field])
        caption.add_class("wb-caption")
        chips: list[ipywidgets.Widget] = [self.chips[field]]
        if self.chips[field].exclusive:
            one_of = ipywidgets.Label("one of")
            one_of.add_class("wb-one-of")
            chips.insert(0, one_of)
        if field == "quantization":
            chips.append(self.chips["double_quant"])
        row = ipywidgets.HBox([caption, ipywidgets.HBox(chips)])
        row.add_class("wb-chip-row")
        return _stack(row, self.wrong[field])

    def _connect(self) -> None:
        for field, text in self.texts.items():
            text.observe(
                lambda change, field=field: self._typed(field, change["new"]), names=["value"]
            )
        for field, chips in self.chips.items():
            chips.observe(
                lambda change, field=field: self._chose(field, change["old"], change["new"]),
                names=["value"],
            )
        self.model.observe(lambda _: self._draw_fields(), names=[*FIELDS, "held"])
        # Only these come from the background: what a person is typing is never overwritten from there.
        self.model.observe(lambda _: self._draw(), names=list(FOLLOWS))
        self.start.on_click(lambda _: self._start())
        self.code.on_click(lambda _: self._show_code())

    @shown
    def _typed(self, field: str, text: str) -> None:
        with self.model.lock:
            if not self._filling:
                setattr(self.model, field, text)

    @shown
    def _chose(self, field: str, before: tuple[Any, ...], now: tuple[Any, ...]) -> None:
        with self.model.lock:
            if self._filling:
                return
            if field == "quantization":
                self.model.quantization = now[0]
            elif field == "double_quant":
                self.model.double_quant = bool(now)
            elif field == "targets":
                self.model.targets = _with_or_without_all(before, now)
            else:
                setattr(self.model, field, now)

    @shown
    def _draw_fields(self) -> None:
        with self.model.lock:
            self._filling = True
            try:
                self._fill_fields()
            finally:
                self._filling = False
            self._draw()

    @shown
    def _draw(self) -> None:
        with self.model.lock:
            self._fill_rest()

    def _fill_fields(self) -> None:
        model = self.model
        for field, text in self.texts.items():
            text.value = getattr(model, field)
            unused = field == "epochs" and bool(model.max_steps.strip())
            text.disabled = field in model.held or unused
        ranks = sorted({*RANKS, *model.ranks})
        self.chips["ranks"].offer({str(rank): rank for rank in ranks})
        self._offer_targets()
        four_bit = "4" in model.quantization
        self.chips["ranks"].value = tuple(sorted(model.ranks))
        self.chips["targets"].value = model.targets
        self.chips["quantization"].value = (model.quantization,)
        self.chips["double_quant"].value = (True,) if model.double_quant and four_bit else ()
        self.chips["double_quant"].layout.display = "" if four_bit else "none"

    def _offer_targets(self) -> None:
        known = (ALL_LINEAR, *self.model.found.targets)
        extra = tuple(target for target in self.model.targets if target not in known)
        self.chips["targets"].offer({target: target for target in (*known, *extra)})

    def _fill_rest(self) -> None:
        model = self.model
        self._offer_targets()
        for field, chips in self.chips.items():
            held = "quantization" if field == "double_quant" else field
            chips.set_disabled(model.held.get(held, ""))
        for field, note in self.wrong.items():
            _say(note, problem=model.problems.get(field, ""), hint=model.held.get(field, ""))
        self.card.value = cost_card(
            model.found.plan, problems=bool(model.problems), looking=model.looking
        )
        self._fill_actions()

    def _fill_actions(self) -> None:
        reason = self.model.reason
        if self.live is not None and self.live.state in LIVE:
            name = self.live.job.path.name
            reason = f"{name} is {self.live.state}; wait for it or stop it below."
        self.start.disabled = bool(reason)
        self.code.disabled = self.model.spec is None
        self.reason.value = str(escape(reason))
        if self.box.texts and self.model.spec is not None:
            self._show_texts(self.model.spec)

    @shown
    def _start(self) -> None:
        if not self.start.disabled:
            self.model.start(then=self._started)

    @shown
    def _started(self, outcome: "Job | Exception") -> None:
        if isinstance(outcome, Exception):
            self.say_problem(str(outcome))
        else:
            self._watch(outcome)

    def _watch(self, job: "Job") -> None:
        self.live = LiveRun(job)
        self._live_box.children = [self.live]
        self.live.observe(lambda _: self._draw(), names=["picture"])
        self._draw()

    @shown
    def _take_up_running(self) -> None:
        """After a restart of the kernel, show the sweep of this name that went on without it."""
        from workbench import job

        for path in find_sweeps(self.model.runs)[:5]:
            store = SweepStore.open(path)
            if store.spec.name == self.model.name and store.status().state in WORKING:
                self._watch(job.attach(path))
                return

    @shown
    def _show_code(self) -> None:
        if self.box.texts:
            self.box.show({})
        else:
            self._show_texts(self.spec)

    def _show_texts(self, spec: Spec) -> None:
        trials = spec.grid()
        which = f"trial {trials[0].name}" if spec.sweep else "this trial"
        self.box.show(
            {
                "The sweep as YAML: save it as sweep.yaml, then .venv/bin/workbench run sweep.yaml": spec.to_yaml(),
                f"Plain PEFT and TRL for {which}": trials[0].spec.as_code(),
            }
        )

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget, and beside it plain HTML for places that show none."""
        bundle = super()._repr_mimebundle_(**options)
        # A look at a hub id may take longer; the widget itself does not wait for it.
        with contextlib.suppress(TimeoutError):
            self.settle(timeout=2)
        plan = cost_card(
            self.model.found.plan, problems=bool(self.model.problems), looking=self.model.looking
        )
        html = plan + (as_table(self.live.seen) if self.live else "")
        return {**bundle, "text/plain": f"panel of {self.model.name!r}", "text/html": html}


def _with_or_without_all(before: tuple[str, ...], now: tuple[str, ...]) -> tuple[str, ...]:
    """Choosing all-linear lets go of the single modules, choosing one of them lets go of it."""
    added = set(now) - set(before)
    if ALL_LINEAR in added:
        return (ALL_LINEAR,)
    return tuple(target for target in now if target != ALL_LINEAR or not added)


def _note(name: str) -> ipywidgets.HTML:
    note = ipywidgets.HTML()
    note.add_class(name)
    return note


def _say(note: ipywidgets.HTML, *, problem: str, hint: str) -> None:
    text = problem or hint
    note.value = str(escape(text))
    note.layout.display = "" if text else "none"
    note.remove_class("wb-hint" if problem else "wb-wrong")
    note.add_class("wb-wrong" if problem else "wb-hint")


def _stack(*parts: ipywidgets.Widget) -> ipywidgets.VBox:
    return ipywidgets.VBox(list(parts))


def _group(title: str, *fields: ipywidgets.Widget) -> ipywidgets.VBox:
    head = ipywidgets.HTML(f"<div class='wb-group-head'>{escape(title)}</div>")
    group = ipywidgets.VBox([head, *fields])
    group.add_class("wb-group")
    return group
