"""The commands on a real sweep of the micro-world: what they print, what a program reads, and how they exit."""

import json
import re
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from tests.contracts.tree import ROOT
from workbench import __version__
from workbench.cli import main, printing
from workbench.cli.commands import demo_spec, lab_options
from workbench.plan.sharing import together
from workbench.runs.store import SweepStore
from workbench.spec import Spec

SMALL = {
    "name": "small",
    "data": {"id": "microworld/updates", "rows": 32},
    "train": {"max_steps": 4, "learning_rate": 0.01, "per_device_train_batch_size": 8},
    "evals": ["recall", "latency"],
    "sweep": {"adapter.r": [1, 2]},
}


def spec_file(folder: Path, **changes) -> Path:
    path = folder / "spec.yaml"
    path.write_text(yaml.safe_dump({**SMALL, **changes}))
    return path


@pytest.fixture(scope="module")
def sweep(tmp_path_factory) -> Path:
    """A sweep that ran to its end through the command line."""
    folder = tmp_path_factory.mktemp("cli")
    assert main(["run", str(spec_file(folder)), "--runs", str(folder / "runs")]) == 0
    return folder / "runs" / "small"


def test_help_names_every_command(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    said = "demo plan run runs eval compare report template card gate lab doctor"
    for command in said.split():
        assert re.search(rf"^\s+{command}\s", shown, re.MULTILINE), command


def test_version_is_the_package_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"peft-workbench {__version__}\n"


def test_plan_as_json_has_one_entry_for_each_trial(tmp_path, capsys):
    assert main(["plan", str(spec_file(tmp_path)), "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert [trial["name"] for trial in planned["trials"]] == ["r1", "r2"]
    one, two = (trial["trainable_parameters"] for trial in planned["trials"])
    assert two == 2 * one


def test_plan_for_people_names_every_trial(tmp_path, capsys):
    assert main(["plan", str(spec_file(tmp_path))]) == 0
    shown = capsys.readouterr().out
    assert "r1" in shown
    assert "r2" in shown
    assert "trainable" in shown


def test_plan_writes_nothing(tmp_path):
    path = spec_file(tmp_path)
    assert main(["plan", str(path)]) == 0
    assert list(tmp_path.iterdir()) == [path]


def test_a_run_leaves_an_adapter_and_scores_for_every_trial(sweep):
    for trial in ("r1", "r2"):
        assert (sweep / trial / "adapter" / "adapter_model.safetensors").exists()
        assert (sweep / trial / "scores" / "recall.json").exists()
    assert (sweep / "base" / "scores" / "recall.json").exists()


def test_a_finished_sweep_is_not_trained_again_by_resume(sweep, capsys):
    before = (sweep / "r1" / "events.jsonl").read_bytes()
    assert main(["run", str(sweep), "--resume", "--json"]) == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert told["state"] == "done"
    assert {score["slot"] for score in told["scores"]} == {"base", "r1", "r2"}
    assert (sweep / "r1" / "events.jsonl").read_bytes() == before


def test_a_spec_that_changed_is_not_resumed(sweep, tmp_path, capsys):
    path = spec_file(tmp_path, seed=5)
    assert main(["run", str(path), "--runs", str(sweep.parent), "--resume"]) == 2
    assert "has changed since 'small'" in capsys.readouterr().err


@pytest.fixture(scope="module")
def half_failed(tmp_path_factory):
    """A sweep that was made and never started, taken up by its spec; one of its trials diverges."""
    folder = tmp_path_factory.mktemp("half")
    path = spec_file(folder, sweep={"train.learning_rate": [0.01, 1e30]}, evals=["latency"])
    SweepStore.create(Spec.load(path), root=folder / "runs")
    command = ["run", str(path), "--runs", str(folder / "runs"), "--resume", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "workbench", *command],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    return done, folder / "runs"


def test_a_sweep_that_was_never_started_is_taken_up_by_its_spec(half_failed):
    done, runs = half_failed
    assert [folder.name for folder in runs.iterdir()] == ["small"]
    assert json.loads(done.stdout)["attempt"] == 1


def test_one_trial_that_diverges_costs_exit_1_and_nothing_else(half_failed):
    done, runs = half_failed
    assert done.returncode == 1
    states = json.loads(done.stdout)["trials"]
    assert sorted(states.values()) == ["done", "failed"]
    assert "1 of 2 trials failed" in done.stderr
    assert "Traceback" not in done.stderr
    (kept,) = [name for name, state in states.items() if state == "done"]
    assert (runs / "small" / kept / "scores" / "latency.json").exists()


def test_runs_lists_the_sweep(sweep, capsys):
    assert main(["runs", "--runs", str(sweep.parent), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["sweep"] == "small"
    assert row["state"] == "done"
    counts = [row[name] for name in ("trials", "trained", "failed", "stopped")]
    assert counts == [2, 2, 0, 0]
    assert datetime.fromisoformat(row["started"]).tzinfo is not None


def test_runs_for_people_counts_what_was_trained(sweep, capsys):
    assert main(["runs", "--runs", str(sweep.parent)]) == 0
    assert "2 of 2" in capsys.readouterr().out


def test_runs_of_an_empty_folder_say_how_to_start(tmp_path, capsys):
    assert main(["runs", "--runs", str(tmp_path)]) == 0
    assert "no sweep" in capsys.readouterr().out


def test_a_broken_sweep_is_listed_as_unreadable(tmp_path, capsys):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "status.json").write_text("{")
    (broken / "spec.yaml").write_text("name: broken\n")
    assert main(["runs", "--runs", str(tmp_path), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["state"] == "unreadable"


def test_eval_of_one_trial_asks_it_and_the_base(sweep, capsys):
    assert main(["eval", str(sweep / "r2"), "--evals", "recall", "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert [(score["slot"], score["eval"]) for score in scores] == [
        ("base", "recall"),
        ("r2", "recall"),
    ]


def test_compare_gives_a_verdict_that_says_one_seed(sweep, capsys):
    assert main(["compare", str(sweep), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["primary"] == "recall"
    assert "one seed" in told["verdict"]["sentence"].lower()
    assert told["table"][0]["trial"] == "base"


def test_compare_by_an_eval_that_was_not_asked_is_refused(sweep, capsys):
    assert main(["compare", str(sweep), "--primary", "occupations"]) == 2
    assert "recall" in capsys.readouterr().err


def test_doctor_as_json_says_what_works(capsys):
    code = main(["doctor", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert code == (0 if found["ok"] else 1)
    assert {"python", "torch", "bitsandbytes", "micro-world", "chromium"} <= {
        check["name"] for check in found["checks"]
    }
    assert found["versions"]["torch"].startswith("2.")


def test_nothing_on_standard_output_but_the_result(sweep):
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "runs", "--runs", str(sweep.parent), "--json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    json.loads(done.stdout)
    assert done.stderr == ""


def test_the_demo_runs_the_example_that_the_readme_shows():
    assert demo_spec() == ROOT / "examples" / "rank_sweep.yaml"
    spec = Spec.load(demo_spec())
    ranks, seeds = (
        {trial.spec.adapter.r for trial in spec.grid()},
        {trial.spec.seed for trial in spec.grid()},
    )
    assert (ranks, seeds) == ({1, 2, 4, 8, 16}, {0, 1, 2})
    assert len(together(spec.grid())) == 1, "all of it is one training"
    assert spec.model.id == "microworld"
    assert spec.data.id == "microworld/updates"
    assert "examples/rank_sweep.yaml" in (ROOT / "README.md").read_text()


def test_the_address_of_jupyterlab_leads_to_the_notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    inside = lab_options(Path("notebooks/00_start_here.ipynb"))
    assert f"--ServerApp.root_dir={ROOT}" in inside
    assert "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb" in inside
    elsewhere = lab_options(tmp_path / "my notes.ipynb")
    assert f"--ServerApp.root_dir={tmp_path}" in elsewhere
    assert "--LabApp.default_url=/lab/tree/my%20notes.ipynb" in elsewhere


def test_an_option_after_lab_is_jupyterlabs():
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "lab", "--version"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert re.fullmatch(r"\d+\.\d+\.\d+", done.stdout.strip()), done.stderr


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (".venv/bin/workbench", ".venv/bin/workbench"),
        ("/somewhere/workbench/__main__.py", "python -m workbench"),
        ("pytest", "workbench"),
    ],
)
def test_hints_name_the_command_as_it_was_typed(typed, said, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", [typed])
    assert printing.command() == said
    assert main(["runs", "--runs", str(tmp_path)]) == 0
    assert f"start one: {said} run" in capsys.readouterr().out


@pytest.mark.network
def test_a_wheel_carries_the_demo_spec_and_the_weights(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", str(tmp_path), str(ROOT)],
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "workbench/demo.yaml" in names
    assert any(
        re.fullmatch(r"workbench/microworld/weights/.*\.safetensors", name) for name in names
    )


def test_every_command_in_the_readme_exists(capsys):
    text = (ROOT / "README.md").read_text()
    typed = re.findall(r"^\.venv/bin/workbench (\w+)(.*)$", text, re.MULTILINE)
    assert {command for command, _ in typed} >= {
        "plan",
        "run",
        "runs",
        "compare",
        "report",
        "eval",
        "doctor",
    }
    for command, rest in typed:
        assert main([command, "--help"]) == 0
        shown = capsys.readouterr().out
        for option in re.findall(r"--\w+", rest):
            assert option in shown, f"{command} {option}"


def test_what_make_offers_is_what_the_readme_promises():
    makefile = (ROOT / "Makefile").read_text()
    for target in ("demo", "test", "lab", "check", "bench", "soak", "clean"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
