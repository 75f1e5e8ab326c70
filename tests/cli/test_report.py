"""`workbench report` and `workbench template`: what is written, what is refused before anything is, and what a broken sweep gets."""

import json
import shutil

import pytest

from tests.compare.planted import plant
from workbench.cli import main
from workbench.report.template import OURS, TEMPLATES


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """Two ranks with two seeds each, the higher one clearly ahead."""
    return plant(
        tmp_path_factory.mktemp("report") / "runs",
        right={2: 0.6, 8: 0.9},
        seeds=(0, 1),
        n=60,
        evals=("recall", "retention", "latency"),
        name="rank-sweep",
        steps=20,
    )


@pytest.fixture
def half(sweep, tmp_path):
    """A copy to be broken."""
    return shutil.copytree(sweep, tmp_path / "rank-sweep")


def test_a_report_is_three_files_and_is_not_overwritten(sweep, tmp_path, capsys):
    out = tmp_path / "report.html"
    assert main(["report", str(sweep), "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert said.out == f"{out}\n"
    assert said.err == ""
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(written) == {"report.html", "report.ipynb", "report.json"}
    assert json.loads(written["report.json"])["verdict"]
    assert main(["report", str(sweep), "--out", str(out)]) == 2
    assert "report.html" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == written
    assert main(["report", str(sweep), "--out", str(out), "--overwrite", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"path": str(out)}


def test_a_trial_gets_its_card_and_a_small_one_when_asked(sweep, tmp_path):
    out = tmp_path / "r8.html"
    asked = ["report", str(sweep / "r8"), "--out", str(out), "--static", "-p", "primary=retention"]
    assert main([*asked, "--title", "Ours"]) == 0
    html = out.read_text(encoding="utf-8")
    assert len(html) < 400_000
    assert "<h1>Ours</h1>" in html
    assert "<title>Ours</title>" in html
    for words in ("What it learned and forgot", "seeds 0 and 1", "one of 4 trials", "Not asked"):
        assert words in html
    assert "r2" not in json.dumps(json.loads(out.with_suffix(".json").read_text())["verdict"])


@pytest.mark.parametrize("name", OURS)
def test_a_template_can_be_copied_and_used(name, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["template"]) == 0
    assert name in capsys.readouterr().out
    assert main(["template", name, "mine.ipynb"]) == 0
    assert (tmp_path / "mine.ipynb").read_bytes() == (TEMPLATES / f"{name}.ipynb").read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--template", "nowhere.ipynb"], ["nowhere.ipynb", "comparison, card"]),
        (["-p", "primry=recall"], ["'primry'", "'primary'"]),
        (["-p", "primary=recal"], ["'recal'", "'recall'"]),
        (["-p", "baseline=r9"], ["'r9'", "r8"]),
        (["-p", "primary"], ["'primary'", "NAME=VALUE"]),
        (["-p", "title=a", "-p", "title=b"], ["'title'", "twice"]),
        (["--template", "card"], ["one trial", "r2-seed0"]),
        (["--template", "card", "-p", "trial=r9"], ["'r9'", "r8-seed1"]),
    ],
)
def test_what_cannot_be_asked_is_one_error_and_nothing_is_written(
    sweep, tmp_path, capsys, words, said
):
    assert main(["report", str(sweep), "--out", str(tmp_path / "new" / "r.html"), *words]) == 2
    heard = capsys.readouterr().err
    assert heard.startswith("error: ")
    assert "Traceback" not in heard
    assert all(word in heard for word in said), heard
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("r9", ["'r9'", "r8"]),
        ("base", ["no trial 'base'"]),
        ("../nothing", ["nothing", "does not exist"]),
        ("spec.yaml", ["no trial 'spec.yaml'"]),
        ("..", ["no sweep", "rank-sweep"]),
    ],
)
def test_what_is_neither_sweep_nor_trial_is_refused(sweep, tmp_path, capsys, path, said):
    assert main(["report", str(sweep / path), "--out", str(tmp_path / "r.html")]) == 2
    heard = capsys.readouterr().err
    assert all(word in heard for word in said), heard
    assert list(tmp_path.iterdir()) == []


def test_an_adapter_that_nobody_asked_is_told_what_to_do_first(tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "adapter_config.json").write_text("{}")
    assert main(["report", str(tmp_path / "mine"), "--out", str(tmp_path / "r.html")]) == 2
    assert "workbench eval" in capsys.readouterr().err


def test_the_folder_of_what_a_trial_learned_means_the_trial(half, capsys):
    (half / "r8-seed1" / "adapter").mkdir()
    folder, out = half / "r8-seed1" / "adapter", half.parent / "r.html"
    asked = ["report", str(folder), "--out", str(out), "--template", "comparison"]
    assert main(asked) == 2
    assert "has no parameter 'trial'" in capsys.readouterr().err


def test_a_place_nobody_may_write_is_refused(sweep, capsys):
    assert main(["report", str(sweep), "--out", "/proc/no-such-place/r.html"]) == 2
    assert "/proc/no-such-place" in capsys.readouterr().err


def test_a_file_that_belongs_to_no_report_is_never_replaced(half, capsys):
    before = (half / "plan.json").write_text("{}") and (half / "plan.json").read_bytes()
    assert main(["report", str(half), "--out", str(half / "plan.html"), "--overwrite"]) == 2
    assert "belongs to no report" in capsys.readouterr().err
    assert (half / "plan.json").read_bytes() == before
    assert not (half / "plan.html").exists()


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("r8-seed0/scores/recall.json", '{"slot": 1}', ["recall.json", "no score"]),
        ("status.json", "{", ["status.json"]),
        ("spec.yaml", "name: [", ["spec.yaml"]),
    ],
)
def test_a_file_cut_in_half_is_one_error_that_names_it(half, capsys, file, content, said):
    (half / file).write_text(content)
    out = half.parent / "out" / "r.html"
    assert main(["report", str(half), "--out", str(out)]) == 2
    heard = capsys.readouterr().err
    assert heard.count("error: ") == 1
    assert "Traceback" not in heard
    assert "pydantic" not in heard
    assert len(heard) < 400
    assert all(word in heard for word in said), heard
    assert not out.exists()
