"""Public files as they are through the one command: AG News learned, SST-2 not, and the page says which is which.

A short run shows that every part fits; with SOAK=1 the examples themselves are run to their end.
"""

import os
from pathlib import Path

import pytest

from tests.contracts.tree import ROOT
from workbench import job
from workbench.compare import compare
from workbench.runs.store import SweepStore
from workbench.scores.task import BASE
from workbench.spec import Spec

EXAMPLES = ROOT / "examples"
PUBLIC = {
    "models/stories260K": "models/stories260K",
    "data/ag_news/train.tsv": "data/ag_news/train_subset_10k.tsv",
    "data/ag_news/test.csv": "data/ag_news/test.csv",
    "data/glue/SST-2": "data/glue/sst2",
    "data/glue/CoLA": "data/glue/cola",
    "data/glue/RTE": "data/glue/rte",
}
"""Where the examples look for a file -> where the tests have it."""

soak = pytest.mark.skipif(not os.environ.get("SOAK"), reason="minutes of training; SOAK=1")


@pytest.fixture
def folder(shared_models: Path, shared_data: Path, tmp_path, monkeypatch) -> Path:
    """A working folder in which every example finds its files."""
    for place, source in PUBLIC.items():
        link = tmp_path / place
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(shared_data.parent / source)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(name: str, changes: dict, *, folder: Path) -> SweepStore:
    spec = Spec.load(EXAMPLES / f"{name}.yaml").replace(changes)
    running = job.start(spec, runs=folder / "runs")
    running.wait()
    return running.store


@pytest.mark.parametrize("name", ["ag_news", "sst2", "cola", "rte"])
def test_an_example_is_planned_with_the_published_files(name, folder):
    spec = Spec.load(EXAMPLES / f"{name}.yaml")
    (trial,) = job.plan(spec).trials
    assert trial.steps == spec.train.max_steps


def test_a_short_run_asks_the_published_test_set(folder):
    lines = (folder / "data/ag_news/test.csv").read_text("utf-8").splitlines(keepends=True)
    (folder / "few.csv").write_text("".join(lines[:120]), encoding="utf-8")
    validation = {"id": "few.csv", "columns": {"text": "#3", "label": "#1"}}
    changes = {
        "data.rows": 64,
        "data.validation": validation,
        "train.max_steps": 4,
        "train.warmup_steps": 0,
        "evals": ["classification", "matthews"],
    }
    store = run("ag_news", changes, folder=folder)
    (card,) = store.read_json("data-card.json")["sets"]
    assert (card["train_rows"], card["held_out_rows"]) == (64, 120)
    for slot in (BASE, "r16"):
        told = store.read_score(slot, "classification")
        assert (told.n, told.errors) == (120, 0)
        assert 0.25 < told.chance < 0.4
        assert ("head alone was trained, on 64 rows" in told.method) == (slot == BASE)
        assert told.parts["labels"] == 4
        assert store.read_score(slot, "matthews").chance == 0.0
    assert (store.folder("r16") / "adapter" / "labels.json").read_text() == (
        '["World", "Sports", "Business", "Sci/Tech"]'
    )


@soak
def test_ag_news_is_learned_from_chance(folder):
    store = run("ag_news", {}, folder=folder)
    told, base = (store.read_score(slot, "classification") for slot in ("r16", BASE))
    assert told.n == 7600
    assert told.value >= 0.6
    # What the adapter adds to a head alone.
    assert told.low > base.high > base.low > base.chance


def says_chance(store: SweepStore) -> bool:
    return "not shown to be above chance" in compare(store.path)._repr_html_()


def test_what_has_hardly_begun_to_learn_is_said_not_to_be_above_chance(folder):
    lines = (folder / "data/glue/SST-2/train.tsv").read_text("utf-8").splitlines(keepends=True)
    (folder / "few.tsv").write_text("".join(lines[:65]), encoding="utf-8")
    store = run("sst2", {"data.id": "few.tsv", "train.max_steps": 2}, folder=folder)
    told = store.read_score("r16", "classification")
    assert (told.n, round(told.chance, 3)) == (872, 0.509)
    assert told.low <= told.chance <= told.high
    assert says_chance(store)


@soak
@pytest.mark.parametrize(
    ("name", "eval", "n", "majority"),
    [
        ("sst2", "classification", 872, 0.509),
        ("rte", "classification", 277, 0.527),
        ("cola", "matthews", 1043, 0.691),
    ],
)
def test_the_verdict_says_chance_where_the_interval_holds_it(name, eval, n, majority, folder):
    store = run(name, {}, folder=folder)
    told = store.read_score("r16", eval)
    assert told.n == n
    assert round(told.parts.get("accuracy/chance", told.chance), 3) == majority
    assert says_chance(store) == (told.low <= told.chance <= told.high)
