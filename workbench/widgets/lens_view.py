"""The picture of the rank lens: what its browser part draws, made from a lens and the grid of its model.

`LensView(lens)` draws the modules of the model with a colour each, the spectrum of the one that is picked, what a rank keeps and
the ranks that a budget suggests. The browser sends `rank`, `colour`, `budget` and `picked`; every figure is worked out here. It
writes no file and starts nothing.
"""

import math
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from workbench.errors import InputError, WorkbenchError
from workbench.lens.budget import Suggestion
from workbench.lens.lens import Lens
from workbench.lens.weights import alpha_of
from workbench.plan.locate import locate
from workbench.plan.shape import Module, Shape, read_shape
from workbench.spec import AdapterSpec
from workbench.widgets.allocation import Allocation, lora_fields
from workbench.widgets.assets import script, style
from workbench.widgets.callbacks import reachable, shown
from workbench.widgets.map_plain import as_yaml, places_of
from workbench.widgets.model_grid import Grid

if TYPE_CHECKING:
    from workbench.lens.curve import Curve, Point

COLOURS = ("effective", "kept", "suggested")
"""What the cells can show."""


class LensView(anywidget.AnyWidget):
    """A model whose modules are coloured by what their ranks hold."""

    _esm = script("rank_lens")
    _css = style("model_map", "rank_lens")

    name = traitlets.Unicode(read_only=True).tag(sync=True)
    said = traitlets.Unicode(read_only=True).tag(sync=True)
    places = traitlets.Dict(read_only=True).tag(sync=True)
    """What is drawn, and where."""
    modules: traitlets.List[Any] = traitlets.List(read_only=True).tag(sync=True)
    """What each cell holds, in the order of the map; None where there is no adapter."""
    highest = traitlets.Int(1, read_only=True).tag(sync=True)
    rank = traitlets.Int(1).tag(sync=True)
    """What all modules are cut to."""
    at_rank = traitlets.Dict(read_only=True).tag(sync=True)
    """What that keeps, of each cell and in all."""
    colour = traitlets.Enum(COLOURS, default_value="effective").tag(sync=True)
    picked = traitlets.Unicode("").tag(sync=True)
    """The module whose spectrum is drawn; empty takes the first."""
    budget = traitlets.Int(1, min=1).tag(sync=True)
    """Trainable parameters that are suggested for."""
    suggestion = traitlets.Dict(read_only=True).tag(sync=True)
    """Ranks within the budget, by cell, with words and fields; or the problem."""
    curve = traitlets.Dict(read_only=True).tag(sync=True)
    """What truncations answered; empty until they were asked."""
    problem = traitlets.Unicode().tag(sync=True)

    def __init__(self, lens: Lens) -> None:
        super().__init__()
        self.lens = lens
        self.grid = Grid(_shape(lens))
        self._by_name = {one.module: one for one in lens.spectra}
        self.set_trait("name", lens.name)
        self.set_trait("said", _said(lens))
        self.set_trait("highest", lens.highest)
        self.set_trait("modules", [self._cell(name) for name in self.grid.numbers])
        self.set_trait("places", places_of(self.grid, name=lens.name, fixed={}))
        self.rank = max(1, lens.highest // 2)
        self.budget = lens.parameters_at(self.rank)
        self._cut()
        self._suggest()
        self.observe(self._cut, names=["rank"])
        self.observe(self._suggest, names=["budget"])
        reachable(self)

    def say_problem(self, text: str) -> None:
        """Show what went wrong below the head."""
        self.problem = text

    def show_curve(self, curve: "Curve") -> None:
        """Draw what truncations answered."""
        self.set_trait("curve", {"evals": [_drawn(curve, eval) for eval in curve.evals]})

    def fields_of(self, ranks: dict[str, int]) -> dict[str, Any]:
        """The shortest fields of an adapter that mean these ranks on this model, each at the scale that it has now."""
        adapter = self.lens.adapter
        alphas = {
            pair.module: alpha_of(pair.scale, rank=ranks[pair.module], is_rslora=adapter.is_rslora)
            for pair in adapter.pairs
        }
        fields = lora_fields(self.grid, allocation=Allocation(ranks, alphas))
        return {**fields, "use_rslora": True} if adapter.is_rslora else fields

    @traitlets.validate("rank")
    def _rank_fits(self, proposal: Any) -> int:
        if not 1 <= proposal["value"] <= self.highest:
            raise traitlets.TraitError(
                f"rank: got {proposal['value']!r}; this adapter has {self.highest}, so give 1 to {self.highest}"
            )
        return int(proposal["value"])

    def _cell(self, name: str) -> dict[str, Any] | None:
        one = self._by_name.get(name)
        if one is None:
            return None
        return {
            "name": name,
            "rank": one.rank,
            "inputs": one.inputs,
            "outputs": one.outputs,
            "effective": one.effective_rank,
            "norm": math.sqrt(one.energy),
            "values": list(one.values),
        }

    @shown
    def _cut(self, _: Any = None) -> None:
        """What the rank keeps."""
        lens, rank = self.lens, self.rank
        cells = [
            None if (one := self._by_name.get(name)) is None else [one.kept(rank), one.error(rank)]
            for name in self.grid.numbers
        ]
        kept, parameters = lens.kept(rank), lens.parameters_at(rank)
        self.set_trait(
            "at_rank",
            {
                "cells": cells,
                "kept": kept,
                "error": math.sqrt(max(0.0, 1 - kept)),
                "parameters": parameters,
                "share": parameters / lens.parameters,
            },
        )

    @shown
    def _suggest(self, _: Any = None) -> None:
        """The ranks within the budget."""
        try:
            found = self.lens.suggestion(budget=self.budget)
        except InputError as error:
            self.set_trait("suggestion", {"problem": str(error)})
            return
        fields = {name: value for name, value in self.fields_of(dict(found.ranks)).items() if value}
        self.set_trait(
            "suggestion",
            {
                "ranks": [found.ranks.get(name, 0) for name in self.grid.numbers],
                "told": in_words(found),
                "yaml": as_yaml({"adapter": fields}),
            },
        )


def in_words(found: Suggestion) -> str:
    """A suggestion beside what one rank for all would keep."""
    ranks = sorted(set(found.ranks.values()))
    between = f"Rank {ranks[0]}" if len(ranks) == 1 else f"Ranks {ranks[0]} to {ranks[-1]}"
    said = f"{between}, {found.parameters:,} parameters: {share(found.kept)} of the energy kept"
    if share(found.at_most) != share(found.kept):
        said += f" (no choice keeps more than {share(found.at_most)})"
    if found.uniform_rank is not None and found.uniform_kept is not None and len(ranks) > 1:
        said += (
            f"; rank {found.uniform_rank} everywhere, in no more, keeps {share(found.uniform_kept)}"
        )
    return said + "."


def share(value: float) -> str:
    """A share in percent; what is not all is never told as 100 %.

    >>> share(0.99999), share(1.0)
    ('99.9 %', '100 %')
    """
    return "100 %" if value >= 1 - 1e-12 else f"{min(99.9, 100 * value):.1f} %"


def _said(lens: Lens) -> str:
    said = f"{len(lens.spectra)} modules, rank {lens.highest}, {lens.parameters:,} parameters"
    if lens.carried:
        said += f"; kept whole: {len(lens.carried)} tensors that are no LoRA"
    return said + ("; it adds nothing to its base" if lens.is_empty else "")


def _shape(lens: Lens) -> Shape:
    """The model where it is to be had; else as much of it as the adapter shows."""
    trial = lens.place.trial
    model = trial.spec.model if trial else None
    base = model.id if model else lens.adapter.base
    wanted = {one.module for one in lens.spectra}
    try:
        if base:
            found = read_shape(locate(base, revision=model.revision if model else None))
            if wanted <= {module.name for module in found.every}:
                return found
    except (WorkbenchError, OSError):
        pass  # the adapter alone says enough to draw what it lies on
    every = []
    for pair, one in zip(lens.adapter.pairs, lens.spectra, strict=True):
        layer = next((int(part) for part in one.module.split(".") if part.isdigit()), None)
        kind: Any = "embedding" if pair.is_embedding else "linear"
        target = one.module.rsplit(".", 1)[-1]
        every.append(Module(one.module, kind, one.inputs, one.outputs, layer, target))
    return Shape({}, tuple(every), tied=False)


def _drawn(curve: "Curve", eval: str) -> dict[str, Any]:
    """The points of one eval for the browser, with their figures as the tables write them."""
    from workbench.compare import wording
    from workbench.lens.curve import CAPTION

    table, points = curve.table(eval), curve.points(eval)
    sort = curve.comparison.reading.sort_of(eval)
    times = wording.scale(sort.unit if sort else "")
    drawn = []
    for point, line in zip(points, table.lines, strict=True):
        texts = [" ".join(filter(None, (c.text, c.beside, c.under))) for c in line.cells]
        ends = [getattr(point.figure, part, None) for part in ("value", "low", "high")]
        value, low, high = (None if one is None else times * one for one in ends)
        drawn.append(
            {
                "name": texts[0],
                "label": _label(point),
                "rank": point.rank,
                "value": value,
                "low": low,
                "high": high,
                "text": texts[1],
                "over": texts[2],
                "n": texts[3],
            }
        )
    unit = table.columns[1].note
    return {"eval": eval, "unit": unit, "points": drawn, "caption": CAPTION}


def _label(point: "Point") -> str:
    """What stands below a point: its rank, or a word that is short enough."""
    if point.rank is not None:
        return str(point.rank)
    return "all" if point.over_untruncated is None else point.name.rpartition("trained-")[2][:9]


def adapter_spec(fields: dict[str, Any], *, like: AdapterSpec | None) -> AdapterSpec:
    """An adapter with these fields, for the rest as another one."""
    said = like.model_dump(exclude_unset=True) if like else {}
    for field in ("exclude_modules", "layers_to_transform"):
        said.pop(field, None)  # where it lies is said by the targets
    return AdapterSpec.model_validate({**said, **fields})
