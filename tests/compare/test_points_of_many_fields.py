"""Axes of several fields at once, as the notebooks have them: what trials are called, and what the leaderboard says of them."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from workbench.compare import compare
from workbench.foreign.adopting import adopt
from workbench.job import prepare
from workbench.spec import Spec

STORED = {
    "adapter.peft_type, model.dtype, quantization": [
        ["LORA", "float32", None],
        ["FULL", "float32", None],
        ["LORA", "bfloat16", None],
        ["LORA", "float32", {"load_in_8bit": True}],
        ["LORA", "float32", {"load_in_4bit": True, "bnb_4bit_quant_type": "fp4"}],
    ]
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    spec = Spec.from_fields({"name": "stored", "evals": ["recall"], "sweep": STORED})
    return compare(prepare(spec, runs=tmp_path_factory.mktemp("runs")).path)


def test_a_trial_is_called_by_the_way_its_base_is_kept(stored):
    names = [trial.name for trial in stored.reading.trials]
    assert names == ["lora-fp32", "full-fp32", "lora-bf16", "lora-fp32-int8", "lora-fp32-fp4"]


def test_memory_is_told_where_bases_are_kept_differently(stored):
    frame = stored.table().set_index("trial")
    planned = {trial["name"]: trial["memory"] for trial in stored.reading.plan["trials"]}
    for name, parts in planned.items():
        held = parts["weights"] + parts["adapter"] + parts["gradients"] + parts["optimizer"]
        assert frame.loc[name, "held_bytes"] == held
    order = ["lora-fp32-fp4", "lora-fp32-int8", "lora-bf16", "lora-fp32", "full-fp32"]
    assert frame["held_bytes"].dropna().sort_values().index.tolist() == order


def test_memory_is_not_told_where_all_stand_on_one_base(tmp_path):
    spec = Spec.from_fields({"evals": ["recall"], "sweep": {"adapter.r": [1, 64]}})
    board = compare(prepare(spec, runs=tmp_path).path).leaderboard()
    assert "held_bytes" not in [column.key for column in board.columns]


def test_a_plan_that_is_damaged_costs_the_memory_and_nothing_else(stored, tmp_path):
    spec = Spec.from_fields({"name": "stored", "evals": ["recall"], "sweep": STORED})
    store = prepare(spec, runs=tmp_path)
    for damaged in ({"trials": "none"}, {"trials": [{"name": "x"}]}, [7]):
        store.write_json("plan.json", damaged)
        board = compare(store.path).leaderboard()
        assert len(board.lines) == 6
        assert "held_bytes" not in [column.key for column in board.columns]


def test_a_quantization_is_one_word(stored):
    shown = {line.cells[0].text: line.cells for line in stored.leaderboard().lines}
    place = [column.key for column in stored.leaderboard().columns].index("quantization")
    assert [cells[place].text for cells in shown.values()] == [
        "", "full", "full", "full", "int8", "fp4",
    ]  # fmt: skip


def test_a_name_of_its_own_is_told_once_and_in_the_place_of_patterns(tmp_path):
    axis = "adapter.adapter_name, adapter.r, adapter.rank_pattern"
    points = [["even", 4, {}], ["late", 2, {r"layers\.3\..*": 8}]]
    keys, shown = of_a_board({axis: points}, tmp_path)
    assert keys == ["trial", "place", "adapter.r", "trainable_parameters"]
    assert [line[:3] for line in shown] == [["base", "", ""], ["even", "", "4"], ["late", "", "2"]]


def test_a_pattern_without_a_name_is_readable(tmp_path):
    points = [[4, {}], [2, {r"layers\.3\..*": 8}]]
    keys, shown = of_a_board({"adapter.r, adapter.rank_pattern": points}, tmp_path)
    place = keys.index("adapter.rank_pattern")
    assert [line[place] for line in shown] == ["", "", r"layers\.3\..*: 8"]


def of_a_board(sweep, folder):
    spec = Spec.from_fields({"evals": ["recall"], "sweep": sweep})
    board = compare(prepare(spec, runs=folder).path).leaderboard()
    keys = [column.key for column in board.columns]
    shown = [[cell.text for cell in line.cells] for line in board.lines]
    return [key for key in keys if key != "state"], shown


def test_adapters_of_several_sweeps_are_called_by_sweep_and_trial(tmp_path):
    folders = []
    for name in ("narrow", "wide"):
        spec = Spec.from_fields(
            {"name": name, "evals": ["recall"], "adapter": {"r": 1, "target_modules": ["q_proj"]}}
        )
        folders.append(prepare(spec, runs=tmp_path).path / "r1" / "adapter")
        an_adapter(folders[-1])
    together = adopt(folders, evals=["retention"], base="microworld", out=tmp_path / "together")
    assert [trial.name for trial in together.trials] == ["narrow-r1", "wide-r1"]


def an_adapter(folder):
    folder.mkdir(parents=True)
    config = {"peft_type": "LORA", "r": 1, "lora_alpha": 2, "target_modules": ["q_proj"]}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    at = "base_model.model.model.layers.{}.self_attn.q_proj.lora_{}.weight"
    sizes = {"A": (1, 128), "B": (128, 1)}
    weights = {
        at.format(layer, part): np.zeros(size, dtype=np.float32)
        for layer in range(4)
        for part, size in sizes.items()
    }
    save_file(weights, folder / "adapter_model.safetensors")
