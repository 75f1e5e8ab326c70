"""`workbench lens`: the table, what a budget suggests, the folder that is written, and what is refused."""

import json

import pytest
import yaml

from tests.lens.drawn import draw
from workbench.cli import main
from workbench.lens.lens import read_lens
from workbench.runs.store import SweepStore
from workbench.spec import Spec


@pytest.fixture
def adapter(tmp_path):
    return draw(tmp_path / "mine", ranks=8)


def sweep(tmp_path, *ranks: int) -> SweepStore:
    spec = Spec.from_fields(
        {
            "name": "ranks",
            "adapter": {"target_modules": ["q_proj", "down_proj"]},
            "sweep": {"adapter.r": list(ranks)},
        }
    )
    store = SweepStore.create(spec, root=tmp_path / "runs")
    for trial in store.trials:
        draw(store.folder(trial.name) / "adapter", ranks=trial.spec.adapter.r)
    return store


def test_the_table_has_every_module_with_its_figures(adapter, capsys):
    assert main(["lens", str(adapter), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    lens = read_lens(adapter)
    assert [one["module"] for one in told["modules"]] == [one.module for one in lens.spectra]
    assert [one["singular_values"] for one in told["modules"]] == [
        list(one.values) for one in lens.spectra
    ]
    assert [one["kept"] for one in told["uniform"]] == [lens.kept(rank) for rank in range(1, 9)]
    assert main(["lens", str(adapter)]) == 0
    said = capsys.readouterr().out
    assert f"{100 * lens.kept(4):.1f} % of the energy" in said
    assert "not the run that would have been trained" in said


@pytest.mark.parametrize("how", [("--rank", "3"), ("--budget", "600"), ("--energy", "0.9")])
def test_a_truncation_is_written_once_and_never_over(how, adapter, tmp_path, capsys):
    out = tmp_path / "made" / "cut"
    assert main(["lens", str(adapter), *how, "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["cut"]
    written = read_lens(out)
    assert {one.module: one.rank for one in written.spectra} == told["ranks"]
    assert written.parameters == told["parameters"]
    before = (out / "adapter_model.safetensors").read_bytes()
    assert main(["lens", str(adapter), *how, "--out", str(out)]) == 2
    assert "is not overwritten" in capsys.readouterr().err
    assert (out / "adapter_model.safetensors").read_bytes() == before


def test_a_suggestion_is_printed_as_a_rank_pattern(adapter, capsys):
    assert main(["lens", str(adapter), "--budget", "600"]) == 0
    said = capsys.readouterr().out
    printed = yaml.safe_load(said[said.index("rank_pattern:") : said.index("A truncation")])
    assert printed["rank_pattern"] == read_lens(adapter).suggest(budget=600)


def test_trials_sweeps_and_the_folders_inside_them_are_one_adapter(tmp_path, capsys):
    alone = sweep(tmp_path, 4)
    names = set()
    for path in (alone.path, alone.path / "r4", alone.path / "r4" / "adapter"):
        assert main(["lens", str(path), "--json"]) == 0
        names.add(json.loads(capsys.readouterr().out)["adapter"])
    assert names == {"ranks/r4"}


def test_the_spec_that_confirms_is_printed_and_can_be_run(tmp_path, capsys):
    store = sweep(tmp_path, 8)
    assert main(["lens", str(store.path), "--confirm", "2,4"]) == 0
    spec = Spec.from_fields(yaml.safe_load(capsys.readouterr().out))
    assert [trial.spec.adapter.r for trial in spec.grid()] == [2, 4]
    assert spec.data == store.spec.data


REFUSED = {
    "several trials": (["RUNS/ranks"], "has 2 trials; name one"),
    "the base": (["RUNS/ranks/base"], "is the base, which has no adapter"),
    "nothing there": (["nowhere"], "is no folder"),
    "a rank too high": (["RUNS/ranks/r4", "--rank", "5"], "give 1 to 4"),
    "a rank of zero": (["RUNS/ranks/r4", "--rank", "0"], "give 1 to 4"),
    "a budget too small": (["RUNS/ranks/r4", "--budget", "3"], "rank 1 everywhere takes"),
    "more than all": (["RUNS/ranks/r4", "--energy", "2"], "a share such as 0.95"),
    "two ways to cut": (["RUNS/ranks/r4", "--rank", "1", "--budget", "900"], "give one of them"),
    "out without a cut": (["RUNS/ranks/r4", "--out", "x"], "needs to know how to cut"),
    "ranks without asking": (["RUNS/ranks/r4", "--ranks", "1"], "add --evaluate"),
    "ranks that are none": (["RUNS/ranks/r4", "--evaluate", "--ranks", "a"], "with commas"),
    "evaluate and a cut": (["RUNS/ranks/r4", "--evaluate", "--rank", "1"], "--ranks 1,2,4"),
    "confirm and out": (["RUNS/ranks/r4", "--confirm", "1", "--out", "x"], "does nothing else"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_in_words_and_nothing_is_written(
    name, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    sweep(tmp_path, 2, 4)
    typed, words = REFUSED[name]
    before = sorted(tmp_path.rglob("*"))
    assert main(["lens", *(word.replace("RUNS", "runs") for word in typed)]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("error: ")
    assert words in said.err
    assert said.out == ""
    assert sorted(tmp_path.rglob("*")) == before
