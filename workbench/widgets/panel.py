"""The panel: choose rank, target modules, quantization and training, see the cost, start, and watch it run.

`wb.panel()` shows it in a notebook; `panel.spec` is what it means, and setting `panel.spec` loads another one. Every
field can be set from Python too: `panel.model.ranks = (2, 8)`. Everything it does can be had as code: that is what "Copy
as code" shows. The view holds no state of its own: what is chosen lies in `PanelModel`, what runs in the sweep folder.
"""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets
from markupsafe import escape

from workbench.errors import SpecError, WorkbenchError
from workbench.plan.card import cost_card
from workbench.runs.store import WORKING, SweepStore, find_sweeps
from workbench.spec import Spec
from workbench.widgets import panel_rows as rows
from workbench.widgets.also_try import AlsoTry
from workbench.widgets.callbacks import reachable, shown
from workbench.widgets.code_box import CodeBox
from workbench.widgets.entries import BY_NAME
from workbench.widgets.fold import Fold
from workbench.widgets.form import ALL_LINEAR, FIELDS
from workbench.widgets.form_view import FormView, Group
from workbench.widgets.live_run import LiveRun, as_table
from workbench.widgets.loader import Loader, spec_at
from workbench.widgets.outcome import Outcome
from workbench.widgets.painting import Painting, painted_in_words, unpainted
from workbench.widgets.panel_model import PanelModel, choices
from workbench.widgets.preview import WAITING, Preview
from workbench.widgets.surroundings import limits, look_around
from workbench.widgets.watch import LIVE

if TYPE_CHECKING:
    from workbench.job import Job


def panel(spec: Spec | str | Path | None = None, *, runs: str | Path = "runs") -> "Panel":
    """A form for a sweep, with its cost, its start and its live curves.

    Args:
        spec: What to begin with; a path is loaded: a YAML file, or the folder of a sweep.
        runs: The folder that sweeps are written to.
    """
    return Panel(spec_at(spec) if isinstance(spec, str | Path) else spec, runs=runs)


class Panel(ipywidgets.VBox):
    """The form and, below it, the sweep that runs."""

    def __init__(self, spec: Spec | None = None, *, runs: str | Path = "runs") -> None:
        super().__init__()
        for name in ("wb", "wb-panel"):
            self.add_class(name)
        self.model = PanelModel(spec, runs=runs)
        self.live: LiveRun | None = None
        self.outcome: Outcome | None = None
        self.views: list[FormView] = []
        self.loader = Loader(self.model.runs, take=self.model.load)
        self.preview = Preview()
        self.painting = Painting(self.model)
        self.also = AlsoTry(choices(), take=self._take_also)
        self.card = _note("wb-card")
        self.reason = _note("wb-reason")
        self.painted = _note("wb-aside")
        self.unpaint = _button("Back to one rank", hint="Give every module the same rank again")
        self.start = _button("Start", hint="Start training", primary=True)
        self.again = _button(
            "Ask the hub again", hint="What a hub refused is remembered until then"
        )
        self.code = _button("Copy as code", hint="Show the YAML and the script")
        self.box = CodeBox()
        self._live_box = ipywidgets.VBox()
        self._live_box.add_class("wb-live-box")
        self._said = ""
        self.children = self._layout()
        self._connect()
        reachable(self)
        self._draw()
        self._take_up_running()

    @property
    def spec(self) -> Spec:
        """What the form means; SpecError while a field is wrong."""
        if self.model.spec is None:
            raise SpecError(f"the panel is not filled in yet. {self.model.reason}")
        return self.model.spec

    @spec.setter
    def spec(self, spec: Spec | str | Path) -> None:
        self.model.load(spec_at(spec) if isinstance(spec, str | Path) else spec)

    @property
    def job(self) -> "Job | None":
        """The job that was started here, or found running."""
        return self.live.job if self.live else None

    def view_of(self, field: str) -> FormView:
        """The part of the form that a field stands in: `panel.view_of("ranks").press("ranks", 4)`."""
        return next(view for view in self.views if field in view.fields)

    def say_problem(self, text: str) -> None:
        """Show what went wrong beside the buttons."""
        self.reason.value = f"<span class='wb-problem' role='alert'>{escape(text)}</span>"

    def settle(self, *, timeout: float = 60) -> None:
        """Wait until what was set has been looked at, and what was started has started."""
        self.model.settle(timeout=timeout)

    def close(self) -> None:
        """Close the view; a sweep that runs goes on."""
        self.preview.close()
        super().close()

    def _view(self, *groups: Group) -> FormView:
        view = FormView(groups, take=self._take)
        self.views.append(view)
        return view

    def _layout(self) -> list[ipywidgets.Widget]:
        look = Fold("Look at the data", body=[self.preview], on_open=self._show_rows)
        self._data_fold = look
        painted = ipywidgets.HBox([self.painted, self.unpaint])
        painted.add_class("wb-painted-line")
        self._painted_line = painted
        form = ipywidgets.VBox(
            [
                self.loader,
                self._view(rows.TOP),
                look,
                self._view(rows.ADAPTER),
                painted,
                self.painting.fold,
                self._view(*rows.STORAGE),
                self._view(rows.TRAINING),
                self._view(rows.EVALS),
                self.also,
                self._view(rows.MORE),
            ]
        )
        form.add_class("wb-form-column")
        columns = ipywidgets.Box([form, self.card])
        columns.add_class("wb-columns")
        actions = ipywidgets.HBox([self.start, self.code, self.again, self.reason])
        actions.add_class("wb-actions")
        missing = [_note("wb-aside") for _ in limits(look_around())]
        for note, said in zip(missing, limits(look_around()), strict=True):
            note.value = str(escape(said))
        return [columns, actions, *missing, self.box, self._live_box]

    def _connect(self) -> None:
        self.model.observe(lambda _: self._draw(), names=["turn"])
        self.start.on_click(lambda _: self._start())
        self.again.on_click(lambda _: self.model.look_again())
        self.code.on_click(lambda _: self._show_code())
        self.unpaint.on_click(lambda _: self._unpaint())

    # What a person does.

    @shown
    def _take(self, what: str, field: str, value: Any) -> None:
        model = self.model
        with model.lock:
            if field == "variant":
                if value in rows.VARIANTS:
                    setattr(model, value, what == "on")
            elif what == "set" or field in ("quantization", "alpha"):
                setattr(model, field, value)
            elif field == "double_quant":
                model.double_quant = what == "on"
            elif field == "ranks":
                self._take_rank(what, value)
            elif field == "targets":
                model.targets = _targets(model.targets, what=what, name=str(value).strip())
            elif field == "evals":
                change = rows.without_eval if what == "off" else rows.with_eval
                model.evals = change(model, str(value).strip())

    def _take_rank(self, what: str, value: Any) -> None:
        try:
            rank = int(value)
        except (TypeError, ValueError):
            raise SpecError(f"Rank: got {value!r}; write a whole number from 1 to 4096") from None
        others = set(self.model.ranks) - {rank}
        self.model.ranks = tuple(sorted(others | ({rank} if what != "off" else set())))

    @shown
    def _take_also(self, wanted: tuple[tuple[str, str], ...]) -> None:
        with self.model.lock:
            self.model.also = wanted

    @shown
    def _unpaint(self) -> None:
        self.model.fill(unpainted(self.model))
        self.painting.follow()

    @shown
    def _show_rows(self) -> None:
        if not self._data_fold.is_open:
            return
        if self.model.spec is None:
            self.preview.say_problem(f"{WAITING} {self.model.reason}")
        else:
            self.preview.show(self.model.spec.grid()[0].spec)

    # What follows from it.

    @shown
    def _draw(self) -> None:
        with self.model.lock:
            self._fill()

    def _fill(self) -> None:
        model = self.model
        options, notes = rows.chips_of(model), self._notes()
        values = {field: getattr(model, field) for field in FIELDS}
        values["variant"] = [name for name in rows.VARIANTS if getattr(model, name)]
        values["double_quant"] = [True] if model.double_quant else []
        values["evals"] = rows.lit_evals(model)
        for view in self.views:
            view.show(values, options=options)
            view.tell(notes)
        self.also.show(model.also, problems=model.problems)
        words = painted_in_words(model)
        self.painted.value = str(escape(words))
        self._painted_line.layout.display = "" if words else "none"
        self.card.value = self._card()
        self._fill_actions()
        self.painting.follow()
        if not model.looking:
            self._show_rows()

    def _card(self) -> str:
        model = self.model
        return cost_card(
            model.found.plan,
            problems=bool(model.problems),
            looking=model.looking,
            time=model.found.time,
        )

    def _notes(self) -> dict[str, dict[str, Any]]:
        """What stands beside each field."""
        model, notes = self.model, {}
        for field in FIELDS:
            problem, held = model.problems.get(field, ""), model.held.get(field, "")
            unread = held.endswith("does not read it")
            rare = field in BY_NAME and BY_NAME[field].group == "method"
            text = problem or held
            notes[field] = {
                "text": text,
                "wrong": bool(problem),
                "held": bool(held),
                "hide": rare and unread,
            }
        for field in BY_NAME:
            if BY_NAME[field].dotted.startswith("quantization."):
                notes[field]["hide"] = model.quantization == "none"
        four = model.quantization.endswith("4")
        notes["double_quant"] = {
            "text": "",
            "held": bool(model.held.get("quantization")),
            "hide": not four,
        }
        wrong = next((model.problems[v] for v in rows.VARIANTS if v in model.problems), "")
        held = next((model.held[v] for v in rows.VARIANTS if v in model.held), "")
        notes["variant"] = {"text": wrong or held, "wrong": bool(wrong), "held": bool(held)}
        return notes

    def _fill_actions(self) -> None:
        reason = self.model.reason
        if self.live is not None and self.live.state in LIVE:
            name = self.live.job.path.name
            reason = f"{name} is {self.live.state}; wait for it or stop it below."
        self.start.disabled = bool(reason)
        self.code.disabled = self.model.spec is None
        may_ask_again = self.model.found.may_ask_again and not self.model.looking
        self.again.layout.display = "" if may_ask_again else "none"
        self.reason.value = str(escape(reason))
        if self.box.texts and self.model.spec is not None:
            self._show_texts(self.model.spec)

    # What runs.

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
        self.outcome = Outcome(self.live, reports=self.model.runs.parent / "reports")
        self._live_box.children = [self.live, self.outcome]
        self.live.observe(lambda _: self._draw_actions(), names=["picture"])
        self._draw()

    @shown
    def _draw_actions(self) -> None:
        with self.model.lock:
            self._fill_actions()

    @shown
    def _take_up_running(self) -> None:
        """After a restart of the kernel, show the sweep of this name that went on without it."""
        from workbench import job

        for path in find_sweeps(self.model.runs, most=5):
            with contextlib.suppress(WorkbenchError, OSError):
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
        html = self._card() + (as_table(self.live.seen) if self.live else "")
        return {**bundle, "text/plain": f"panel of {self.model.name!r}", "text/html": html}


def _targets(chosen: tuple[str, ...], *, what: str, name: str) -> tuple[str, ...]:
    """Choosing all-linear lets go of the single modules, choosing one of them lets go of it."""
    others = tuple(target for target in chosen if target != name)
    if what == "off":
        return others
    if name == ALL_LINEAR:
        return (ALL_LINEAR,)
    return (*(target for target in others if target != ALL_LINEAR), name)


def _note(name: str) -> ipywidgets.HTML:
    note = ipywidgets.HTML()
    note.add_class(name)
    return note


def _button(label: str, *, hint: str, primary: bool = False) -> ipywidgets.Button:
    return ipywidgets.Button(
        description=label, tooltip=hint, button_style="primary" if primary else ""
    )
