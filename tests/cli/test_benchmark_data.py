"""`--data eval=FILE` brings the benchmark of a suite; what cannot be used is one error, and nothing is written."""

import csv

import pytest

from workbench import job
from workbench.cli import main
from workbench.runs.store import SweepStore
from workbench.spec import Spec


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """Two trials that were hardly trained."""
    spec = Spec.from_fields(
        {
            "name": "small",
            "data": {"id": "microworld/updates", "rows": 32},
            "train": {"max_steps": 2, "per_device_train_batch_size": 8},
            "evals": [],
            "sweep": {"adapter.r": [1, 2]},
        }
    )
    running = job.start(spec, runs=tmp_path_factory.mktemp("runs"))
    running.wait()
    return running.path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--evals", "bias", "--data", "crows_pair=a.csv"), ("'crows_pair'", "'crows_pairs'")),
        (("--evals", "bias", "--data", "bbq="), ("'bbq='", "names no file")),
        (("--evals", "bias", "--data", "bbq=a", "--data", "bbq=b"), ("'bbq'", "two files")),
        (("--evals", "retention", "--data", "bbq=a.jsonl"), ("'bbq'", "not asked", "'bias'")),
        (("--evals", "bias", "--data", "bbq=nowhere.jsonl"), ("'nowhere.jsonl'", "no file")),
        (("--evals", "biass"), ("'biass'", "'bias'")),
        (("--evals", "bias", "--data", "a.jsonl", "--data", "b.jsonl"), ("'b.jsonl'", "already")),
    ],
)
def test_a_file_that_cannot_be_asked_is_refused(swept, words, said, capsys):
    before = sorted(swept.rglob("*"))
    assert main(["eval", str(swept), *words]) == 2
    told = capsys.readouterr().err
    assert all(word in told for word in said), told
    assert sorted(swept.rglob("*")) == before


def test_a_benchmark_comes_with_its_file_and_without_its_whole_suite(swept, tmp_path):
    path = tmp_path / "crows.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("sent_more", "sent_less", "stereo_antistereo", "bias_type"))
        for place in ("library", "market", "station", "garden"):
            for day in ("Monday", "Friday"):
                more = f"She met him at the {place} on {day}."
                rows.writerow((more, f"He met her at the {place} on {day}.", "stereo", "gender"))
    words = ["--evals", "crows_pairs", "--data", f"crows_pairs={path}"]
    assert main(["eval", str(swept), *words]) == 0
    store = SweepStore.open(swept)
    for slot in ("base", "r1", "r2"):
        assert len(store.read_rows(slot, "crows_pairs:crows")) == 8
    assert {told.eval for told in store.scores()} == {"crows_pairs:crows"}
