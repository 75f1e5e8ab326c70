"""The rank lens without a browser: what is drawn is what the lens says, and what is handed on means the same ranks."""

import math
import subprocess
import sys

import pytest
import traitlets

from tests.lens.drawn import draw
from workbench import microworld
from workbench.errors import InputError, SpecError
from workbench.lens.lens import read_lens
from workbench.plan.shape import read_shape
from workbench.plan.targets import aim
from workbench.runs.store import SweepStore
from workbench.spec import Spec
from workbench.widgets.rank_lens import lens

ON = ("q_proj", "down_proj")


def sizes():
    shape = read_shape(microworld.path())
    return {m.name: (m.in_features, m.out_features) for m in shape.modules if m.target in ON}


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    """A trial of a sweep on the micro-world whose adapter is drawn."""
    spec = Spec.from_fields(
        {
            "name": "ranks",
            "adapter": {"target_modules": list(ON), "r": 8, "lora_alpha": 12},
            "train": {"max_steps": 3},
            "seed": 7,
            "sweep": {"adapter.lora_dropout": [0.1, 0.2]},
        }
    )
    store = SweepStore.create(spec, root=tmp_path_factory.mktemp("runs"))
    for seed, one in enumerate(store.trials):
        draw(
            store.folder(one.name) / "adapter",
            ranks=8,
            lora_alpha=12,
            sizes=sizes(),
            seed=seed,
        )
    return store.folder(store.trials[0].name)


@pytest.fixture
def face(trial):
    return lens(trial)


def ranks_of(spec: Spec) -> dict[str, int]:
    """What PEFT would give each module of the micro-world."""
    return {t.module.name: t.rank for t in aim(read_shape(microworld.path()), adapter=spec.adapter)}


def test_the_whole_model_is_drawn_and_only_adapted_modules_have_figures(face):
    view, plain = face.view, read_lens(face.lens.place.folder)
    cells = view.places["cells"]
    assert {cell["name"] for cell in cells} >= {
        m.name for m in read_shape(microworld.path()).modules
    }
    held = {one["name"]: one for one in view.modules if one}
    assert set(held) == {one.module for one in plain.spectra}
    for cell, one in zip(cells, view.modules, strict=True):
        assert one is None or one["name"] == cell["name"]
    for one in plain.spectra:
        told = held[one.module]
        assert told["effective"] == one.effective_rank
        assert told["values"] == list(one.values)


@pytest.mark.parametrize("rank", [1, 3, 8])
def test_the_slider_says_what_a_rank_keeps(face, rank):
    face.rank = rank
    told = face.view.at_rank
    by_name = {one.module: one for one in face.lens.spectra}
    for cell, cut in zip(face.view.places["cells"], told["cells"], strict=True):
        one = by_name.get(cell["name"])
        assert cut == (None if one is None else [one.kept(rank), one.error(rank)])
    left_out = math.fsum(one.error(rank) ** 2 for one in face.lens.spectra)
    whole = math.fsum(one.energy for one in face.lens.spectra)
    assert told["error"] == pytest.approx(math.sqrt(left_out / whole), abs=1e-7)
    assert told["parameters"] == rank * sum(one.cost for one in face.lens.spectra)
    with pytest.raises(traitlets.TraitError, match="give 1 to 8"):
        face.rank = 9


def test_what_is_suggested_is_what_its_fields_mean_on_the_model(face, trial):
    for budget in (face.lens.parameters_at(1), face.lens.parameters // 3, face.lens.parameters):
        face.view.budget = budget
        wanted = dict(face.lens.suggestion(budget=budget).ranks)
        spec = face.spec()
        assert ranks_of(spec) == wanted
        assert face.paint().painted == wanted
        assert face.map.adapter.alpha / face.map.adapter.r == 12 / 8
        drawn = dict(zip(face.view.grid.numbers, face.view.suggestion["ranks"], strict=True))
        assert {name: rank for name, rank in drawn.items() if rank} == wanted
        own = SweepStore.open(trial.parent).trials[0].spec
        assert (spec.data, spec.train, spec.seed, spec.evals) == (own.data, own.train, 7, own.evals)
        assert spec.adapter.lora_dropout == own.adapter.lora_dropout
        assert Spec.from_fields(spec.model_dump(mode="json", exclude_unset=True)) == spec
    pattern = face.suggest(energy=0.9)
    like = SweepStore.open(trial.parent).spec
    spec = like.replace({"adapter.rank_pattern": pattern, "adapter.r": 64})
    assert ranks_of(spec) == face.lens.suggestion(energy=0.9).ranks


def test_the_button_of_the_page_paints_a_map(face):
    assert face.children == (face.view,)
    face._on_message(None, {"command": "map"}, [])
    assert face.children == (face.view, face.map)
    assert not face.view.problem


def test_a_budget_too_small_is_said_and_not_raised(face):
    face.view.budget = 1
    assert "too small" in face.view.suggestion["problem"]
    face._on_message(None, {"command": "map"}, [])
    assert "too small" in face.view.problem
    with pytest.raises(InputError, match="too small"):
        face.suggest()
    assert "too small" in face._repr_mimebundle_()["text/html"]


def test_confirm_is_a_sweep_of_the_ranks_at_the_same_scale(face):
    face.rank = 3
    (one,) = face.confirm().grid()
    assert (one.spec.adapter.r, one.spec.adapter.alpha) == (3, 4.5)
    two = face.confirm(ranks=[2, 4])
    assert [(t.spec.adapter.r, t.spec.adapter.alpha) for t in two.grid()] == [(2, 3), (4, 6)]
    assert {(t.spec.seed, t.spec.adapter.lora_dropout) for t in two.grid()} == {(7, 0.1)}


def test_where_no_widget_is_shown_a_table_is(face):
    told = face._repr_mimebundle_()
    for one in face.lens.spectra:
        assert one.module in told["text/html"]
    assert f"{len(face.lens.spectra)} modules" in told["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in told


def test_a_folder_from_elsewhere_is_drawn_without_its_base(tmp_path):
    folder = draw(tmp_path / "<b>mine", base_model_name_or_path=str(tmp_path / "gone"))
    face = lens(folder)
    assert len([one for one in face.view.modules if one]) == len(face.view.places["cells"]) == 4
    assert face.view.places["rows"] == [0, 1]
    html = face._repr_mimebundle_()["text/html"]
    assert "<b>mine" not in html
    with pytest.raises(SpecError, match="trained elsewhere"):
        face.spec(rank=2)
    like = Spec.from_fields({"data": {"id": "microworld/answers"}})
    assert face.spec(rank=2, like=like).data.id == "microworld/answers"


def test_the_face_loads_no_torch(trial):
    code = (
        "import sys, workbench as wb\n"
        f"face = wb.lens({str(trial)!r})\nface.rank = 2\nface.paint()\nface.confirm()\n"
        "print({'torch', 'peft', 'transformers'} & {m.split('.')[0] for m in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
