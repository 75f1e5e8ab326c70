"""The model map inside the panel: what is painted is what the form says, in both directions.

`Painting(model)` makes the map when its fold is opened, paints what the spec means and writes what a person paints into
the fields: `ranks`, `alpha`, `targets`, `rank_pattern`, `alpha_pattern`, and how the base is stored. Of several ranks it
shows the first; painting keeps the others while the commonest rank stays the first. It knows no PEFT: the map does.
"""

from typing import Any

import ipywidgets
from markupsafe import escape

from workbench.errors import WorkbenchError
from workbench.plan.hub_memory import HUB
from workbench.spec import ModelSpec, Spec
from workbench.widgets.callbacks import shown
from workbench.widgets.entries import neat
from workbench.widgets.fold import Fold
from workbench.widgets.model_map import ModelMap
from workbench.widgets.panel_model import AXIS_LABELS, PanelModel

TITLE = "Paint ranks on the model"

DRAWN = (
    "r", "lora_alpha", "target_modules", "exclude_modules", "layers_to_transform", "rank_pattern",
    "alpha_pattern", "modules_to_save", "peft_type", "task_type",
)  # fmt: skip
"""Fields of an adapter that the map would show otherwise."""


class Painting:
    """A fold with the map in it, tied to the fields."""

    def __init__(self, model: PanelModel) -> None:
        self.model = model
        self.map: ModelMap | None = None
        self.note = ipywidgets.HTML()
        self.note.add_class("wb-aside")
        # A model of a hub is asked after again: not in the thread that a click came from.
        self.fold = Fold(TITLE, on_open=lambda: model.later(self.follow))
        self._of: ModelSpec | None = None
        self._told: Any = None
        self._quiet = False

    def say_problem(self, text: str) -> None:
        """Show what went wrong in the map, or in its place."""
        if self.map is not None:
            self.map.say_problem(text)

    @shown
    def follow(self) -> None:
        """Paint what the form says; nothing while the fold is closed or the form is wrong."""
        with self.model.lock:
            spec = self.model.spec
            if not self.fold.is_open or spec is None or self._quiet:
                return
            if self._of != spec.model and self.model.looking:
                return  # what was found calls again
            self._make(spec.model)
            if self.map is None or self.map.places == {}:
                return
            first = spec.grid()[0].spec
            told = (first.adapter, first.quantization)
            self._say_which(spec)
            if told == self._told:
                return
            self._quiet = True
            try:
                self._paint(first)
            finally:
                self._quiet = False
            self._told = told

    def _make(self, model: ModelSpec) -> None:
        is_lost = self.map is not None and not self.map.places
        if self._of == model and not (is_lost and "model_id" not in self.model.problems):
            return
        if self.map is not None:
            self.map.close()
        self._of, self._told = model, None
        self.map = ModelMap(model, lock=self.model.lock, hub=HUB)
        self.map.observe(lambda _: self._painted(), names=["yaml"])
        self.fold.body.children = [self.note, self.map]

    def _paint(self, spec: Spec) -> None:
        assert self.map is not None
        self.map.problem = ""
        try:
            self.map.load_quantization(spec.quantization)
            self.map.load(spec.adapter)
        except WorkbenchError as error:
            self.map.problem = str(error)
            return
        self.map.brush = spec.adapter.r

    def _say_which(self, spec: Spec) -> None:
        said = shown_of(spec)
        self.note.value = str(escape(said))
        self.note.layout.display = "" if said else "none"

    @shown
    def _painted(self) -> None:
        """Write what a person painted into the form."""
        with self.model.lock:
            made = self.map
            if self._quiet or made is None or not made.places:
                return
            self._quiet = True
            try:
                self.model.fill(fields_from(made, model=self.model))
            finally:
                self._quiet = False
            spec = self.model.spec
            if spec is not None:
                first = spec.grid()[0].spec
                self._told = (first.adapter, first.quantization)
                self._say_which(spec)


def shown_of(spec: Spec) -> str:
    """Which of several trials the map shows, and in what the others would look otherwise; nothing where all look alike."""
    first, *others = spec.grid()
    unlike = [one for one in others if _drawn(one.spec) != _drawn(first.spec)]
    if not unlike:
        return ""
    axes = {key: None for one in unlike for key in one.varied if _is_drawn(key)}
    which = ", ".join(AXIS_LABELS.get(key, key) for key in axes)
    told = (
        f"1 other looks otherwise ({which}): it is"
        if len(unlike) == 1
        else f"{len(unlike)} others look otherwise ({which}): they are"
    )
    return f"The map shows {first.name}, the first of {len(others) + 1} trials. {told} trained too, but not drawn."


def _drawn(spec: Spec) -> Any:
    return spec.model, spec.quantization, [getattr(spec.adapter, name) for name in DRAWN]


def _is_drawn(axis: str) -> bool:
    part, _, name = axis.partition(".")
    return part in ("model", "quantization") or (part == "adapter" and name in DRAWN)


def fields_from(painted: ModelMap, *, model: PanelModel) -> dict[str, Any]:
    """The fields of the form that mean what is painted; a field that the sweep sets is left alone."""
    kept = painted.llm_int8_skip_modules
    values: dict[str, Any] = {
        "quantization": painted.quantization,
        "double_quant": painted.double_quant,
        "llm_int8_skip_modules": "" if kept is None else ", ".join(kept),
    }
    if painted.quantization == "none":
        del values["llm_int8_skip_modules"], values["double_quant"]
    wanted = painted.target_modules
    values["targets"] = (wanted,) if isinstance(wanted, str) and wanted else tuple(wanted)
    if painted.r:
        ranks = model.ranks
        values["ranks"] = ranks if ranks and ranks[0] == painted.r else (painted.r,)
        values["alpha"] = alpha_text(painted, now=model.alpha)
        values["rank_pattern"] = dict(painted.rank_pattern)
        values["alpha_pattern"] = dict(painted.alpha_pattern)
        # Where an adapter lies is said once: what narrowed the old targets is part of the new ones.
        values |= {"exclude_modules": "", "layers_to_transform": ""}
    held = model.held
    return {field: value for field, value in values.items() if field not in held}


def alpha_text(painted: ModelMap, *, now: str) -> str:
    """The alpha of the form: a multiple of the rank where the map has one, else a number."""
    of_rank = painted.lora_alpha / painted.r
    if of_rank == 2:
        return ""
    if now.strip().endswith("r"):
        return f"{neat(of_rank)} r"
    return neat(painted.lora_alpha)


def painted_in_words(model: PanelModel) -> str:
    """What is painted that the chips cannot show; nothing where they show all."""
    ranks, names = model.rank_pattern, [t for t in model.targets if "." in t]
    said = []
    if ranks:
        lowest, highest = min(ranks.values()), max(ranks.values())
        said.append(
            f"own rank{'s' if lowest < highest else ''} {lowest}"
            + (f" to {highest}" if highest > lowest else "")
        )
    if names:
        said.append(f"{len(names)} module{'s' if len(names) > 1 else ''} by name")
    return "painted: " + ", ".join(said) if said else ""


def unpainted(model: PanelModel) -> dict[str, Any]:
    """The fields without a painting: one rank for whole columns, the words of what was painted singly."""
    words = dict.fromkeys(name.rsplit(".", 1)[-1] for name in model.targets)
    return {"rank_pattern": {}, "alpha_pattern": {}, "targets": tuple(words)}
