"""The model map: paint a rank on each module of a model, and read the PEFT fields that mean what was painted.

`wb.model_map("microworld")` shows a row a layer and a column a sort of module, read from `config.json` and the header of
the weights; `map.load(adapter)` paints what an adapter means, `map.adapter` is what the map means. The browser paints
`ranks` and `kept`; everything else follows here, by PEFT's own rules. A module gets the alpha `scale` times its rank, so
that alpha / r is the same everywhere, unless the adapter that was loaded gives that module at that rank another one.
"""

import contextlib
import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from markupsafe import escape

from workbench.errors import InputError, ModelError, SpecError, nearest
from workbench.plan.head import head_numbers, without_writing
from workbench.plan.hub_memory import HubMemory
from workbench.plan.memory import BYTES, weight_bytes
from workbench.plan.shape import read_shape
from workbench.plan.targets import aim, counted, lora_target
from workbench.spec import AdapterSpec, ModelSpec, QuantizationSpec, Spec
from workbench.widgets.allocation import Allocation, lora_fields, merged, read_adapter
from workbench.widgets.assets import script, style
from workbench.widgets.callbacks import reachable, shown
from workbench.widgets.fallback import beside
from workbench.widgets.map_plain import as_table, as_text, as_yaml, places_of
from workbench.widgets.model_grid import Grid
from workbench.widgets.precision import (
    QUANTIZATIONS,
    bits_per_weight,
    kept_by,
    quantizable,
    skip_modules,
    spared_by_default,
    word_of,
)

HIGHEST = 4096
"""The highest rank that a spec takes."""

STORAGE = (
    "load_in_8bit",
    "load_in_4bit",
    "bnb_4bit_quant_type",
    "bnb_4bit_use_double_quant",
    "llm_int8_skip_modules",
)
"""Fields of BitsAndBytesConfig that the map says itself; the others are kept as they were loaded."""


def model_map(model: Spec | str | Path = "microworld") -> "ModelMap":
    """The map of a model, painted as its spec says.

    Args:
        model: A spec or its YAML file; or a model, as specs name it, whose map is blank.
    """
    if isinstance(model, str | Path) and str(model).endswith((".yaml", ".yml")):
        model = Spec.load(model)
    if isinstance(model, Spec):
        made = ModelMap(model.model)
        if not made.problem:
            made.load(model.adapter)
            made.load_quantization(model.quantization)
        return made
    return ModelMap(ModelSpec(id=str(model)))


class ModelMap(anywidget.AnyWidget):
    """A model on which ranks are painted."""

    _esm = script("model_map")
    _css = style("model_map")

    places = traitlets.Dict(read_only=True).tag(sync=True)
    """What is drawn, and where."""
    ranks = traitlets.List(traitlets.Int()).tag(sync=True)
    """The rank of each cell, in the order of the map; 0 carries no adapter."""
    kept = traitlets.List(traitlets.Int()).tag(sync=True)
    """The cells that keep full precision when the base is quantized."""
    brush = traitlets.Int(8, min=0, max=HIGHEST).tag(sync=True)
    """The rank to paint; 0 erases."""
    quantization = traitlets.Enum(tuple(QUANTIZATIONS), default_value="none").tag(sync=True)
    double_quant = traitlets.Bool(default_value=False).tag(sync=True)
    scale = traitlets.Float(2.0).tag(sync=True)
    """alpha / r; a change gives every module the alpha that follows from its rank."""

    r = traitlets.Int(0, read_only=True).tag(sync=True)
    lora_alpha = traitlets.Float(0.0, read_only=True).tag(sync=True)
    target_modules = traitlets.Union(
        [traitlets.Unicode(), traitlets.List(traitlets.Unicode())], read_only=True
    ).tag(sync=True)
    rank_pattern = traitlets.Dict(read_only=True).tag(sync=True)
    alpha_pattern = traitlets.Dict(read_only=True).tag(sync=True)
    llm_int8_skip_modules = traitlets.List(
        traitlets.Unicode(), default_value=None, allow_none=True, read_only=True
    ).tag(sync=True)
    summary = traitlets.Dict(read_only=True).tag(sync=True)
    """What follows from the painting, for people: counts, and bits of the base."""
    yaml = traitlets.Unicode(read_only=True).tag(sync=True)
    """The fields of both, as a spec has them."""
    problem = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        model: ModelSpec,
        *,
        lock: AbstractContextManager[Any] | None = None,
        hub: HubMemory | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self._hub = hub or HubMemory()
        # A form around the map has one lock for both: two would be taken in two orders.
        self._lock = lock if lock is not None else threading.RLock()
        self._filling = False
        self._base = AdapterSpec()
        self._storage = QuantizationSpec()
        self._own_alphas: dict[str, tuple[int, float]] = {}
        self._fixed: dict[str, str] = {}
        self._stored: dict[str, Any] | None = None
        self._weights: dict[str, Any] = {}
        self._grid: Grid | None = None
        self._read_model()
        self.observe(self._follow, names=["ranks"])
        self.observe(self._restore, names=["kept", "quantization", "double_quant"])
        self.observe(self._rescale, names=["scale"])
        reachable(self)

    @property
    def grid(self) -> Grid:
        """The model as a grid; ModelError with the reason when it could not be read."""
        if self._grid is None:
            raise ModelError(self.problem)
        return self._grid

    @property
    def painted(self) -> dict[str, int]:
        """The rank of each module that carries an adapter; may be set."""
        names = self.grid.numbers
        return {name: rank for name, rank in zip(names, self.ranks, strict=True) if rank}

    @painted.setter
    def painted(self, ranks: Mapping[str, int]) -> None:
        numbers = self.grid.numbers
        for name in ranks:
            if name not in numbers:
                raise SpecError(f"{name!r} is no module of this map. {nearest(name, numbers)}")
        self.ranks = [ranks.get(name, 0) for name in numbers]

    @property
    def adapter(self) -> AdapterSpec:
        """The adapter that is painted; SpecError while nothing is."""
        fields = self._fields(self.painted)
        if not fields["target_modules"]:
            raise SpecError("nothing is painted; give at least one module a rank")
        return AdapterSpec.model_validate(merged(self._base, fields=fields))

    @property
    def quantization_spec(self) -> QuantizationSpec | None:
        """How the base is stored; None leaves it in full precision."""
        if self.quantization == "none":
            return None
        said = self._storage.model_dump(exclude_unset=True)
        for field in STORAGE:
            said.pop(field, None)
        said |= QUANTIZATIONS[self.quantization]
        if self.double_quant and self.quantization.endswith("4"):
            said["bnb_4bit_use_double_quant"] = True
        if self.llm_int8_skip_modules is not None:
            said["llm_int8_skip_modules"] = self.llm_int8_skip_modules
        return QuantizationSpec.model_validate(said)

    def load(self, adapter: AdapterSpec | Mapping[str, Any] | Any) -> None:
        """Paint what an adapter means: that of a spec, its fields, or a `peft.LoraConfig`."""
        wanted = Spec.from_fields({"adapter": adapter}).adapter
        if wanted.peft_type != "LORA":
            raise SpecError(
                f"adapter.peft_type: {wanted.peft_type!r} has no rank for each module; the map paints LORA"
            )
        found = read_adapter(self.grid, adapter=wanted)
        with self._lock, self._together():
            self._base = wanted
            self.scale = wanted.alpha / wanted.r
            self._own_alphas = {
                name: (rank, found.alphas[name])
                for name, rank in found.ranks.items()
                if found.alphas[name] != self.scale * rank
            }
            self._fix()
            self.painted = found.ranks

    def load_quantization(self, quantization: QuantizationSpec | Mapping[str, Any] | Any) -> None:
        """Show how a base is stored: that of a spec, its fields, a `BitsAndBytesConfig`, or None."""
        wanted = Spec.from_fields({"quantization": quantization}).quantization
        self._storage = wanted or QuantizationSpec()
        names = kept_by(self.grid, skip=self._storage.llm_int8_skip_modules)
        with self._lock, self._together():
            self.quantization = word_of(wanted)
            self.double_quant = self._storage.bnb_4bit_use_double_quant
            self.kept = [self.grid.numbers[name] for name in names]

    def even_alphas(self) -> None:
        """Forget alphas that were loaded: every module gets `scale` times its rank."""
        self._own_alphas = {}
        self._follow()

    def say_problem(self, text: str) -> None:
        """Show what went wrong in the map."""
        self.problem = text

    def _read_model(self) -> None:
        try:
            self._grid = Grid(read_shape(self._hub.folder(self.model)))
        except (InputError, OSError) as error:
            self.say_problem(str(error))
            return
        self._fix()
        self.painted = {}
        self.kept = [self.grid.numbers[name] for name in spared_by_default(self.grid)]
        self._restore()

    def _fix(self) -> None:
        """Find which modules take no adapter, and why; draw the map anew."""
        fixed: dict[str, str] = {}
        names = tuple(self.grid.numbers)
        if saved := self._base.modules_to_save:
            every = AdapterSpec(target_modules=names, modules_to_save=saved)
            free = {target.module.name for target in aim(self.grid.shape, adapter=every)}
            fixed = {name: "trained whole (modules_to_save)" for name in names if name not in free}
        if self._base.task_type == "SEQ_CLS":
            heads = [c.module.name for c in self.grid.cells if c.module.kind == "head"]
            fixed |= dict.fromkeys(heads, "not part of a classifier")
        self._fixed = fixed
        self.set_trait("places", places_of(self.grid, name=self.model.id, fixed=fixed))

    @traitlets.validate("ranks")
    def _ranks_fit(self, proposal: Any) -> list[int]:
        ranks, names = proposal["value"], self._grid.numbers if self._grid else {}
        if len(ranks) != len(names):
            raise traitlets.TraitError(
                f"ranks: {len(names)} are needed, one a cell; got {len(ranks)}"
            )
        if wrong := [rank for rank in ranks if not 0 <= rank <= HIGHEST]:
            raise traitlets.TraitError(f"ranks: got {wrong[0]!r}; 0 to {HIGHEST} are allowed")
        return [0 if name in self._fixed else rank for name, rank in zip(names, ranks, strict=True)]

    @traitlets.validate("kept")
    def _kept_fit(self, proposal: Any) -> list[int]:
        may = {self.grid.numbers[m.name] for m in quantizable(self.grid)} if self._grid else set()
        if wrong := set(proposal["value"]) - may:
            raise traitlets.TraitError(f"kept: cell {min(wrong)} is none that can be quantized")
        return sorted(set(proposal["value"]))

    @traitlets.validate("scale")
    def _scale_fits(self, proposal: Any) -> float:
        if not 0 < proposal["value"] < math.inf:
            raise traitlets.TraitError(f"scale: got {proposal['value']!r}; it must be above 0")
        return float(proposal["value"])

    @contextlib.contextmanager
    def _together(self) -> Iterator[None]:
        """Several changes, of which everything else follows once."""
        self._filling = True
        try:
            yield
        finally:
            self._filling = False
        self._restore()

    def _rescale(self, _: Any) -> None:
        if not self._filling:
            self.even_alphas()

    @shown
    def _follow(self, _: Any = None) -> None:
        """What the painting means: the figures below the map, then the fields of PEFT."""
        with self._lock:
            if self._filling or self._grid is None:
                return
            # The figures first: they are what a person waits for.
            self.set_trait("summary", {**self._counts(), **self._weights})
            fields = self._fields(self.painted)
            for name, value in fields.items():
                self.set_trait(name, value)
            adapter = merged(self._base, fields=fields) if fields["r"] else None
            self.set_trait("yaml", as_yaml({"adapter": adapter, "quantization": self._stored}))

    @shown
    def _restore(self, _: Any = None) -> None:
        """What the storage of the base means, and then the rest."""
        with self._lock:
            if self._filling or self._grid is None:
                return
            kept = frozenset(self._grid.cells[number].module.name for number in self.kept)
            self.set_trait("llm_int8_skip_modules", skip_modules(self._grid, kept=kept))
            stored, dtype = self.quantization_spec, self.model.dtype
            self._stored = stored.model_dump(mode="json", exclude_unset=True) if stored else None
            modules = [m for m in self._grid.shape.modules if m.name not in kept]
            self._weights = {
                "bits": bits_per_weight(modules, dtype=dtype, quantization=stored)
                if modules
                else None,
                "full_bits": 8 * BYTES[dtype],
                "base_bytes": weight_bytes(self._grid.shape, dtype=dtype, quantization=stored),
            }
            self._follow()

    def _fields(self, ranks: dict[str, int]) -> dict[str, Any]:
        alphas = {}
        for name, rank in ranks.items():
            own = self._own_alphas.get(name)
            alphas[name] = own[1] if own and own[0] == rank else self.scale * rank
        saved = frozenset(self._fixed) if self._base.modules_to_save else frozenset[str]()
        return lora_fields(self.grid, allocation=Allocation(ranks, alphas), saved=saved)

    def _counts(self) -> dict[str, Any]:
        """Trainable numbers as PEFT counts them, and what they are spread over."""
        shape, ranks = self.grid.shape, self.painted
        linear = self.grid.linear - self._fixed.keys()
        targets = [
            lora_target(cell.module, rank=rank, adapter=self._base)
            for cell, rank in zip(self.grid.cells, self.ranks, strict=True)
            if rank
        ]
        trainable, base = counted(shape, targets, adapter=self._base), shape.parameters
        if self._base.task_type == "SEQ_CLS":
            head = head_numbers(shape, num_labels=None)
            trainable, base = trainable + head, without_writing(shape) + head
        return {
            "trainable": trainable,
            "share": trainable / (base + trainable),
            "painted": len(linear & ranks.keys()),
            "of": len(linear),
            "ends": [name for name in ranks if name not in linear],
            "own_alphas": sum(
                self._own_alphas.get(n, (0,))[0] == rank for n, rank in ranks.items()
            ),
            "lowest": min(ranks.values(), default=0),
            "highest": max(ranks.values(), default=0),
        }

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget, and beside it the plain table for places that show none."""
        bundle = super()._repr_mimebundle_(**options)
        if self._grid is None:
            text, html = self.problem, f"<p>{escape(self.problem)}</p>"
        else:
            text = as_text(self.model.id, summary=self.summary)
            html = as_table(self.grid, ranks=self.ranks, caption=text)
        return beside(bundle, text=text, html=html)
