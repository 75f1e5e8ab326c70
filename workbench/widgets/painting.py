"""The model map inside the panel: what is painted is what the form says, in both directions.

`Painting(model)` makes the map when its fold is opened, paints what the spec means and writes what a person paints into
the fields: `ranks`, `alpha`, `targets`, `rank_pattern`, `alpha_pattern`, and how the base is stored. Of several ranks it
shows the first; painting keeps the others while the commonest rank stays the first. It knows no PEFT: the map does.
"""

from typing import Any

import ipywidgets

from workbench.errors import WorkbenchError
from workbench.spec import ModelSpec, Spec
from workbench.widgets.callbacks import shown
from workbench.widgets.entries import neat
from workbench.widgets.fold import Fold
from workbench.widgets.model_map import ModelMap
from workbench.widgets.panel_model import PanelModel

TITLE = "Paint ranks on the model"


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
        if self._of == model:
            return
        if self.map is not None:
            self.map.close()
        self._of, self._told = model, None
        self.map = ModelMap(model, lock=self.model.lock)
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
        trials = spec.grid()
        several = len(trials) > 1
        said = (
            f"The map shows the first of {len(trials)} trials, {trials[0].name}." if several else ""
        )
        self.note.value = said
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
