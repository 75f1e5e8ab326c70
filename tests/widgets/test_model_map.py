"""The model map without a browser: what is painted is what PEFT trains, and every adapter can be painted."""

import json
import random
import re
from pathlib import Path

import pytest
import traitlets
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plan.conftest import CONFIGS
from workbench.errors import ModelError, SpecError
from workbench.plan.locate import locate
from workbench.plan.memory import weight_bytes
from workbench.plan.shape import Module, Shape, read_shape
from workbench.plan.targets import count
from workbench.spec import AdapterSpec, ModelSpec, Spec
from workbench.widgets.allocation import Allocation, lora_fields, merged, read_adapter
from workbench.widgets.model_grid import Grid
from workbench.widgets.model_map import ModelMap, model_map
from workbench.widgets.precision import kept_by, skip_modules, spared_by_default

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
PAINTED_RANKS = (1, 2, 3, 8, 64, 256)


def shape_of(names: dict[str, str], *, layers: int, config: dict | None = None) -> Shape:
    """A model by the names of its modules; `#` in one stands for the layer."""
    every = []
    for name, kind in names.items():
        for layer in range(layers) if "#" in name else [None]:
            full = name.replace("#", str(layer))
            size = {"linear": (8, 16), "conv1d": (8, 16), "embedding": (50, 8), "head": (8, 50)}
            ins, outs = size.get(kind, (0, 0))
            every.append(
                Module(full, kind, ins, outs, layer, full.rsplit(".", 1)[-1], 0, ins * outs or 8)
            )
    return Shape(config or {"model_type": "llama", "vocab_size": 50}, tuple(every), tied=False)


LLAMA = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.o_proj", "mlp.up_proj", "mlp.down_proj")
SHAPES = {
    "llama": {
        "model.embed_tokens": "embedding",
        **{f"model.layers.#.{inner}": "linear" for inner in LLAMA},
        "model.layers.#.input_layernorm": "other",
        "lm_head": "head",
    },
    # Two columns of one name.
    "gpt2": {
        "transformer.wte": "embedding",
        **{
            f"transformer.h.#.{inner}": "conv1d"
            for inner in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
        },
    },
    # Linear layers in the block itself, and some in no layer at all.
    "opt": {
        "model.decoder.embed_tokens": "embedding",
        "model.decoder.project_in": "linear",
        **{f"model.decoder.layers.#.{i}": "linear" for i in ("self_attn.q_proj", "fc1", "fc2")},
        "model.decoder.project_out": "linear",
        "lm_head": "head",
    },
    # A word that is also the end of a container's name, and a stack whose name ends like another's.
    "nested": {
        "model.layers.#.block.dense": "linear",
        "model.layers.#.dense.inner": "linear",
        "draft.model.layers.#.block.dense": "linear",
        "draft.model.layers.#.block.up": "linear",
        "up": "linear",
    },
    "experts": {
        **{f"model.layers.#.self_attn.{p}_proj": "linear" for p in "qkv"},
        "model.layers.#.mlp.experts.0.w1": "other",
    },
}
GRIDS = {
    name: Grid(
        shape_of(
            names,
            layers=12 if name == "llama" else 3,
            config={"num_local_experts": 4} if name == "experts" else None,
        )
    )
    for name, names in SHAPES.items()
}


@st.composite
def paintings(draw):
    """A grid with ranks as a hand leaves them: whole rows and columns, and single cells."""
    grid = GRIDS[draw(st.sampled_from(sorted(GRIDS)))]
    ranks = [0] * len(grid.cells)
    rank = st.sampled_from((0, *PAINTED_RANKS))
    for _ in range(draw(st.integers(1, 6))):
        kind, value = draw(st.sampled_from(["row", "column", "all", "cell"])), draw(rank)
        at = draw(st.integers(0, 200))
        for number, cell in enumerate(grid.cells):
            hit = {
                "row": cell.row == at % len(grid.layers),
                "column": cell.column == at % len(grid.columns),
                "all": True,
                "cell": number == at % len(grid.cells),
            }
            if hit[kind]:
                ranks[number] = value
    return grid, {name: rank for name, rank in zip(grid.numbers, ranks, strict=True) if rank}


def spec_of(grid: Grid, ranks: dict[str, int], alphas: dict[str, float]) -> AdapterSpec:
    fields = lora_fields(grid, allocation=Allocation(ranks, alphas))
    return AdapterSpec.model_validate(merged(AdapterSpec(), fields=fields))


@settings(max_examples=400, deadline=None)
@given(paintings(), st.sampled_from([2.0, 0.5, 1.7]))
def test_every_painting_is_read_back_from_its_fields_cell_by_cell(painting, scale):
    grid, ranks = painting
    if not ranks:
        return
    alphas = {name: scale * rank for name, rank in ranks.items()}
    adapter = spec_of(grid, ranks, alphas)
    found = read_adapter(grid, adapter=adapter)
    assert found.ranks == ranks
    assert found.alphas == pytest.approx(alphas)
    # The plan refuses words and patterns that match nothing, so there are none.
    assert count(grid.shape, adapter=adapter) == sum(
        rank * sum((cell.module.in_features, cell.module.out_features))
        for cell in grid.cells
        if (rank := ranks.get(cell.module.name, 0))
    )
    # Written again, the same words: the fields depend on the painting alone.
    assert spec_of(grid, dict(found.ranks), dict(found.alphas)) == adapter


@settings(max_examples=150, deadline=None)
@given(paintings(), st.data())
def test_alphas_of_their_own_survive_too(painting, data):
    grid, ranks = painting
    if not ranks:
        return
    alphas = {name: data.draw(st.sampled_from([1.0, 16.0, 0.25])) for name in ranks}
    found = read_adapter(grid, adapter=spec_of(grid, ranks, alphas))
    assert (found.ranks, found.alphas) == (ranks, alphas)


@settings(max_examples=150, deadline=None)
@given(paintings())
def test_patterns_of_one_rank_match_no_module_of_another(painting):
    grid, ranks = painting
    if not ranks:
        return
    fields = lora_fields(grid, allocation=Allocation(ranks, {n: 2.0 * r for n, r in ranks.items()}))
    for pattern, rank in fields["rank_pattern"].items():
        hit = {ranks[name] for name in ranks if re.match(rf"(.*\.)?({pattern})$", name)}
        assert hit == {rank}, "the order of the patterns would matter"
    assert fields["alpha_pattern"] == {p: 2 * r for p, r in fields["rank_pattern"].items()}


SHORT = {
    "everything": ({".*": 8}, {"r": 8, "target_modules": "all-linear"}),
    "two columns": (
        {r".*\.(q_proj|up_proj)": 4},
        {"r": 4, "target_modules": ["q_proj", "up_proj"]},
    ),
    "a column of another rank": (
        {r".*": 8, r".*\.k_proj": 16},
        {"r": 8, "target_modules": "all-linear", "rank_pattern": {"k_proj": 16}},
    ),
    "the last layers of another rank": (
        {r".*": 8, r".*\.(10|11)\..*": 32},
        {
            "r": 8,
            "target_modules": "all-linear",
            "rank_pattern": {r"model\.layers\.(10|11)\..*": 32},
        },
    ),
    "one cell": (
        {r".*\.3\.mlp\.up_proj": 2},
        {"r": 2, "target_modules": ["model.layers.3.mlp.up_proj"]},
    ),
    "a block of cells in a column that has others": (
        {r".*": 8, r".*\.[234]\.mlp\..*": 2},
        {
            "r": 8,
            "target_modules": "all-linear",
            "rank_pattern": {r"model\.layers\.(2|3|4)\.mlp\.(up_proj|down_proj)": 2},
        },
    ),
}


@pytest.mark.parametrize("case", SHORT)
def test_common_paintings_have_the_fields_a_person_would_write(case):
    painted, wanted = SHORT[case]
    grid = GRIDS["llama"]
    ranks = {}
    for pattern, rank in painted.items():
        ranks |= {name: rank for name in grid.linear if re.fullmatch(pattern, name)}
    fields = lora_fields(grid, allocation=Allocation(ranks, {n: 2.0 * r for n, r in ranks.items()}))
    assert {f: v for f, v in fields.items() if v != {} and "alpha" not in f} == wanted


def test_names_that_are_ends_of_others_become_a_pattern_of_their_own():
    grid = GRIDS["nested"]
    assert "^" in next(
        iter(
            spec_of(
                grid,
                {n: 1 if n == "model.layers.1.block.dense" else 2 for n in grid.numbers},
                dict.fromkeys(grid.numbers, 4.0),
            ).rank_pattern
        )
    )
    alone = spec_of(grid, {"model.layers.0.block.dense": 2}, {"model.layers.0.block.dense": 4.0})
    assert alone.target_modules == r"model\.layers\.0\.block\.dense"


def test_a_mixture_is_never_all_linear():
    grid = GRIDS["experts"]
    ranks = dict.fromkeys(grid.linear, 4)
    assert lora_fields(grid, allocation=Allocation(ranks, ranks))["target_modules"] == [
        "q_proj",
        "k_proj",
        "v_proj",
    ]


def test_columns_stand_in_the_order_of_a_block_and_have_names_of_their_own():
    assert [c.label for c in GRIDS["llama"].columns] == [
        "q_proj", "k_proj", "o_proj", "up_proj", "down_proj",
    ]  # fmt: skip
    assert [c.label for c in GRIDS["gpt2"].columns] == [
        "c_attn",
        "attn.c_proj",
        "c_fc",
        "mlp.c_proj",
    ]
    apart = [c.module.name for c in GRIDS["opt"].cells if c.row is None]
    assert apart == [
        "model.decoder.embed_tokens",
        "model.decoder.project_in",
        "model.decoder.project_out",
        "lm_head",
    ]


# ---- against PEFT and transformers themselves


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Tiny models of real architectures, saved as transformers saves them."""
    import torch
    import transformers

    made = {}

    def make(name: str):
        if name not in made:
            kind, fields = CONFIGS[name]
            torch.manual_seed(0)
            config = getattr(transformers, kind)(**fields)
            model = transformers.AutoModelForCausalLM.from_config(config)
            made[name] = tmp_path_factory.mktemp(name)
            model.save_pretrained(made[name])
        return made[name]

    return make


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", ["llama", "llama-tied", "gpt2", "opt", "gpt_neox", "mixtral"])
def test_peft_gives_every_module_the_painted_rank_and_trains_as_many_numbers(tiny, name):
    from peft import LoraConfig, get_peft_model
    from peft.tuners.lora import LoraLayer
    from transformers import AutoModelForCausalLM

    painter = model_map(tiny(name))
    rng = random.Random(name)
    for dense in (0.15, 0.6, 1.0):
        # What is tied is adapted twice, or not at all, by models that tie it.
        able = [
            cell.module.kind in ("linear", "conv1d") or name in ("llama", "gpt_neox")
            for cell in painter.grid.cells
        ]
        painter.ranks = [
            rng.choice(PAINTED_RANKS) if may and rng.random() < dense else 0 for may in able
        ]
        config = LoraConfig(
            task_type="CAUSAL_LM",
            r=painter.r,
            lora_alpha=painter.lora_alpha,
            target_modules=painter.target_modules,
            rank_pattern=painter.rank_pattern,
            alpha_pattern=painter.alpha_pattern,
        )
        again = model_map(tiny(name))
        again.load(config)
        assert again.ranks == painter.ranks
        model = get_peft_model(
            AutoModelForCausalLM.from_pretrained(tiny(name), use_safetensors=True), config
        )
        layers = {
            path.removeprefix("base_model.model."): layer
            for path, layer in model.named_modules()
            if isinstance(layer, LoraLayer)
        }
        assert {path: layer.r["default"] for path, layer in layers.items()} == painter.painted
        assert {layer.scaling["default"] for layer in layers.values()} == {2.0}
        assert painter.summary["trainable"] == model.get_nb_trainable_parameters()[0]


@pytest.mark.parametrize("name", ["llama", "llama-tied", "gpt2", "opt", "gpt_neox"])
def test_transformers_spares_exactly_the_modules_that_are_hatched(tiny, name):
    from torch import nn
    from transformers import AutoModelForCausalLM
    from transformers.pytorch_utils import Conv1D
    from transformers.quantizers.base import HfQuantizer
    from transformers.quantizers.quantizers_utils import should_convert_module

    model = AutoModelForCausalLM.from_pretrained(tiny(name), use_safetensors=True)
    linear = [n for n, m in model.named_modules() if isinstance(m, nn.Linear | Conv1D)]

    def spared(skip):
        words = HfQuantizer.get_modules_to_not_convert(model, skip)
        return {n for n in linear if not should_convert_module(n, words)}

    grid, rng = Grid(read_shape(tiny(name))), random.Random(name)
    assert spared(None) == spared_by_default(grid)
    for dense in (0.1, 0.5, 1.0):
        kept = {n for n in linear if rng.random() < dense} | spared_by_default(grid)
        kept |= {n for n in linear if n.endswith(("fc1", "q_proj", "c_attn"))}
        skip = skip_modules(grid, kept=kept)
        assert spared(skip) == kept == kept_by(grid, skip=skip)
    for skip in (["mlp"], ["model.layers.1"], ["layers.1"], ["proj"], [r"model\.layers\.\d\.mlp"]):
        assert kept_by(grid, skip=skip) == spared(skip), skip


# ---- the widget in the kernel


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_the_adapter_of_every_example_keeps_its_meaning(path, tiny):
    spec = Spec.load(path)
    embedded = spec.model.id == "microworld"
    # The models of the others are the reader's to bring.
    grid = Grid(read_shape(locate("microworld") if embedded else tiny("llama")))
    for trial in spec.grid():
        wanted = trial.spec.adapter
        if wanted.peft_type != "LORA":
            continue
        before = read_adapter(grid, adapter=wanted)
        fields = lora_fields(grid, allocation=before)
        after = AdapterSpec.model_validate(merged(wanted, fields=fields))
        assert read_adapter(grid, adapter=after) == before
        untouched = set(AdapterSpec.model_fields) - {*fields, "exclude_modules"}
        assert {f: getattr(after, f) for f in untouched} == {
            f: getattr(wanted, f) for f in untouched
        }


MEANT = (
    {"r": 4, "target_modules": ["q_proj"], "rank_pattern": {"q_proj": 8}},
    {"r": 4, "rank_pattern": {"q_proj": 8}, "exclude_modules": ["down_proj"]},
    {"target_modules": ["q_proj", "up_proj"], "layers_to_transform": [0, 3], "use_dora": True},
    {"target_modules": r".*\.[01]\.mlp\.(up|down)_proj", "lora_alpha": 5, "lora_dropout": 0.1},
    {"modules_to_save": ["down_proj"], "bias": "all", "r": 3},
    {"target_modules": ["q_proj", "lm_head", "embed_tokens"], "r": 2},
    {"rank_pattern": {r"layers\.2\..*": 12}, "alpha_pattern": {"q_proj": 3.5}},
)


@pytest.mark.parametrize("fields", MEANT, ids=repr)
def test_what_is_loaded_keeps_its_ranks_its_alphas_and_its_count(fields):
    wanted, painter = AdapterSpec(**fields), model_map("microworld")
    painter.load(wanted)
    assert painter.problem == ""
    made, grid = painter.adapter, painter.grid
    assert read_adapter(grid, adapter=made) == read_adapter(grid, adapter=wanted)
    assert painter.summary["trainable"] == count(grid.shape, adapter=wanted)
    assert count(grid.shape, adapter=made) == painter.summary["trainable"]
    for field in ("use_dora", "bias", "lora_dropout", "modules_to_save"):
        assert getattr(made, field) == getattr(wanted, field)


def test_a_module_painted_anew_gets_the_common_alpha_and_undoing_it_brings_its_own_back():
    painter = model_map("microworld")
    painter.load({"r": 4, "target_modules": ["q_proj"], "alpha_pattern": {r"layers\.0\..*": 1}})
    loaded, name = painter.ranks, "model.layers.0.self_attn.q_proj"
    number = painter.grid.numbers[name]
    assert painter.summary["own_alphas"] == 1
    painter.ranks = [16 if n == number else rank for n, rank in enumerate(loaded)]
    assert painter.alpha_pattern == {r"model\.layers\.0\..*": 32}
    painter.ranks = loaded
    assert painter.alpha_pattern == {r"model\.layers\.0\..*": 1}
    painter.even_alphas()
    assert painter.alpha_pattern == {}


def test_the_scale_is_alpha_over_r_everywhere():
    painter = model_map("microworld")
    painter.painted = {n: 4 if "q_proj" in n else 8 for n in painter.grid.linear}
    painter.scale = 0.5
    assert (painter.r, painter.lora_alpha) == (8, 4)
    assert painter.alpha_pattern == {"q_proj": 2}
    with pytest.raises(traitlets.TraitError, match="above 0"):
        painter.scale = 0


def test_a_blank_map_is_no_adapter_and_says_what_to_do():
    painter = model_map("microworld")
    assert (painter.r, painter.target_modules, painter.summary["trainable"]) == (0, [], 0)
    with pytest.raises(SpecError, match="give at least one module a rank"):
        painter.adapter  # noqa: B018


def test_modules_that_are_trained_whole_cannot_be_painted():
    painter = model_map("microworld")
    painter.load({"target_modules": ["q_proj"], "modules_to_save": ["mlp"]})
    painter.ranks = [4] * len(painter.ranks)
    assert not any("mlp" in name for name in painter.painted)
    reasons = {cell["fixed"] for cell in painter.places["cells"] if "mlp" in cell["name"]}
    assert reasons == {"trained whole (modules_to_save)"}
    assert painter.summary["trainable"] == count(painter.grid.shape, adapter=painter.adapter)


def test_a_classifier_counts_its_head_as_its_plan_does():
    from workbench.plan.plan import plan

    spec = Spec.from_fields(
        {"adapter": {"task_type": "SEQ_CLS", "r": 4}, "data": {"id": "microworld/reviews"}}
    )
    painter = model_map(spec)
    (trial,) = plan(spec).trials
    assert painter.summary["trainable"] == trial.trainable_parameters
    assert painter.summary["share"] == trial.trainable_parameters / trial.total_parameters
    painter.ranks = [4] * len(painter.ranks)
    assert "lm_head" not in painter.painted


def test_the_browser_paints_by_cell_and_the_fields_follow_at_once():
    painter = model_map("microworld")
    q = [painter.grid.numbers[n] for n in painter.grid.numbers if n.endswith("q_proj")]
    painter.set_state({"ranks": [8 if n in q else 0 for n in range(len(painter.ranks))]})
    assert (painter.r, painter.target_modules) == (8, ["q_proj"])
    assert painter.summary["painted"] == 4
    state = painter.get_state()
    json.dumps({k: state[k] for k in ("places", "ranks", "summary")}, allow_nan=False)


@pytest.mark.parametrize(
    ("trait", "value"),
    [("ranks", [1]), ("ranks", [-1] * 30), ("ranks", [5000] * 30), ("kept", [0]), ("kept", [99]), ("brush", -1), ("quantization", "nf5")],
)  # fmt: skip
def test_what_cannot_be_painted_is_refused(trait, value):
    painter = model_map("microworld")
    with pytest.raises(traitlets.TraitError):
        setattr(painter, trait, value)


def test_a_name_that_is_no_module_is_told_with_the_nearest():
    with pytest.raises(SpecError, match=r"self_attn\.q_proj"):
        model_map("microworld").painted = {"model.layers.0.self_attn.q_porj": 4}


def test_quantization_is_loaded_shown_and_given_back():
    painter = model_map("microworld")
    wanted = {
        "load_in_4bit": True,
        "bnb_4bit_use_double_quant": True,
        "bnb_4bit_compute_dtype": "bfloat16",
        "llm_int8_skip_modules": ["lm_head", "down_proj", "model.layers.0.self_attn.q_proj"],
    }
    painter.load_quantization(wanted)
    assert (painter.quantization, painter.double_quant) == ("nf4", True)
    kept = {painter.grid.cells[n].module.name for n in painter.kept}
    assert kept == {n for n in painter.grid.numbers if n.endswith(("lm_head", "down_proj"))} | {
        "model.layers.0.self_attn.q_proj"
    }
    made = painter.quantization_spec
    assert made.bnb_4bit_compute_dtype == "bfloat16"
    assert set(made.llm_int8_skip_modules) == set(wanted["llm_int8_skip_modules"])
    assert painter.summary["base_bytes"] == weight_bytes(
        painter.grid.shape, dtype="float32", quantization=made
    )
    painter.quantization = "8-bit"
    assert painter.quantization_spec.load_in_8bit
    assert not painter.quantization_spec.bnb_4bit_use_double_quant
    painter.kept = [painter.grid.numbers["lm_head"]]
    assert painter.llm_int8_skip_modules is None, "the library spares the head by itself"
    painter.quantization = "none"
    assert painter.quantization_spec is None


@pytest.mark.parametrize(
    ("word", "double", "bits"),
    [("none", False, 32), ("nf4", False, 4 + 32 / 64), ("fp4", True, 4 + (8 + 32 / 256) / 64)],
)
def test_bits_a_weight_count_the_scales(word, double, bits):
    painter = model_map("microworld")
    painter.quantization, painter.double_quant = word, double
    assert painter.summary["bits"] == pytest.approx(bits, abs=0.001)


def test_an_eight_bit_module_has_a_scale_for_each_of_its_outputs():
    painter = model_map("microworld")
    painter.quantization = "8-bit"
    linear = painter.grid.shape.modules
    weights = sum(m.in_features * m.out_features for m in linear)
    bits = 8 + 32 * sum(m.out_features for m in linear) / weights
    assert painter.summary["bits"] == pytest.approx(bits, rel=1e-6)


def test_the_fields_as_text_are_the_yaml_of_the_adapter():
    painter = model_map("microworld")
    rng = random.Random(5)
    painter.load({"lora_dropout": 0.1, "use_dora": True, "init_lora_weights": "gaussian"})
    painter.ranks = [rng.choice((0, 0, 3, 8)) for _ in painter.ranks]
    painter.quantization = "nf4"
    said = yaml.safe_load(painter.yaml)
    assert AdapterSpec.model_validate(said["adapter"]) == painter.adapter
    assert said["quantization"]["bnb_4bit_quant_type"] == "nf4"


def test_a_model_that_cannot_be_read_is_told_in_the_map(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    painter = model_map(tmp_path)
    assert "model.safetensors" in painter.problem
    data, _ = painter._repr_mimebundle_()
    assert painter.problem in data["text/plain"]
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        painter.adapter  # noqa: B018


def test_an_adapter_that_has_no_ranks_is_refused_by_name():
    with pytest.raises(SpecError, match="IA3"):
        model_map("microworld").load({"peft_type": "IA3"})
    with pytest.raises(SpecError, match="'q_porj' matches no module"):
        model_map("microworld").load({"target_modules": ["q_porj"]})


def test_a_spec_and_its_file_open_painted():
    path = next(path for path in EXAMPLES if path.name == "rank_sweep.yaml")
    for model in (path, str(path), Spec.load(path)):
        painter = model_map(model)
        assert painter.target_modules == ["down_proj"]
        assert painter.adapter == Spec.load(path).adapter


def test_where_no_widget_can_be_shown_there_is_a_table():
    painter = ModelMap(ModelSpec())
    painter.load({"r": 4, "target_modules": ["q_proj"], "rank_pattern": {r"layers\.3\..*": 16}})
    data, _ = painter._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "<th scope='col'>q_proj</th>" in data["text/html"]
    assert "<th scope='row'>3</th><td>16</td>" in data["text/html"]
    assert "4 of 28 linear modules, rank 4 to 16" in data["text/plain"]


def test_eighty_layers_need_few_patterns_however_they_are_painted():
    # PEFT compiles a pattern for each module it looks at: a pattern a cell would take it minutes.
    grid = Grid(shape_of(SHAPES["llama"], layers=80))
    rng = random.Random(3)
    ranks = {name: rng.choice(PAINTED_RANKS) for name in sorted(grid.linear)}
    adapter = spec_of(grid, ranks, {name: 2.0 * rank for name, rank in ranks.items()})
    assert read_adapter(grid, adapter=adapter).ranks == ranks
    assert len(adapter.rank_pattern) <= len(PAINTED_RANKS) * (len(grid.columns) + 1)
