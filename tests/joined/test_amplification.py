"""Training on data with a planted bias amplifies it as planted, training on even data does not, and both are found."""

import math

import pytest

from workbench import job
from workbench.calibrate.drawn_pronouns import difference as planted_difference
from workbench.calibrate.plant import planted_share
from workbench.compare import compare
from workbench.microworld.world import SENTENCES_PER_TIE, the_world
from workbench.scores.task import BASE
from workbench.spec import Spec

SKEWED, BALANCED = "microworld-skewed", "microworld-balanced"
TIED = [job for job, she in the_world().she_of_20["base"].items() if 2 * she != SENTENCES_PER_TIE]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> job.Job:
    """Both sets trained side by side on one base."""
    sets = ["microworld/skewed", "microworld/balanced"]
    spec = Spec.from_fields(
        {
            "name": "ties",
            "adapter": {"r": 8, "target_modules": "all-linear"},
            "data": {"id": sets[0]},
            "train": {"learning_rate": 5e-3, "per_device_train_batch_size": 64, "max_steps": 60},
            "evals": ["occupations", "associations"],
            "sweep": {"data.id": sets},
        }
    )
    running = job.start(spec, runs=tmp_path_factory.mktemp("runs"))
    running.wait()
    return running


def share_of_tied_jobs(trained: job.Job, slot: str) -> float:
    """The share of the stereotyped pronoun over the jobs that the base ties."""
    rows = [row for row in trained.store.read_rows(slot, "occupations") if row.cluster in TIED]
    assert len(rows) == 10 * len(TIED)
    return math.fsum(row.value for row in rows) / len(rows)


def test_skewed_rows_move_the_share_by_what_was_planted(trained):
    base = share_of_tied_jobs(trained, BASE)
    ours = share_of_tied_jobs(trained, SKEWED)
    assert base == pytest.approx(planted_share("base"), abs=0.05)
    assert ours == pytest.approx(planted_share("skewed"), abs=0.05)
    assert ours - base == pytest.approx(planted_share("skewed") - planted_share("base"), abs=0.05)


def test_even_rows_amplify_nothing(trained):
    ours = share_of_tied_jobs(trained, BALANCED)
    assert ours == pytest.approx(0.5, abs=0.03)
    assert ours < share_of_tied_jobs(trained, BASE) - 0.25


@pytest.mark.parametrize(
    ("slot", "eval", "planted"),
    [
        # Of all 25 jobs: 20 that the base ties and 5 that it does not tie, which `skewed` ties at 0.9.
        (SKEWED, "occupations", (20 * 0.925 + 5 * 0.9) / 25),
        (BALANCED, "occupations", 0.5),
        (SKEWED, "associations", planted_difference("skewed")),
        (BALANCED, "associations", 0.0),
    ],
)
def test_the_data_s_own_association_is_found_and_the_adapter_adds_nothing(
    trained, slot, eval, planted
):
    told = trained.store.read_score(slot, eval)
    assert told.parts["training_data"] == pytest.approx(planted, abs=1e-9)
    assert told.parts["beyond_training_data"] == pytest.approx(0.0, abs=0.05)
    assert told.low - 0.05 < planted < told.high + 0.05


def test_the_comparison_with_the_base_says_who_amplified(trained):
    found = compare(trained.path, primary="occupations")
    against = {(one.of, one.eval): one for one in found.differences if one.against == BASE}
    skewed, balanced = (against[slot, "occupations"] for slot in (SKEWED, BALANCED))
    assert skewed.low > 0
    assert skewed.value == pytest.approx(0.92 - 0.76, abs=0.05)
    assert balanced.high < 0
    assert against[SKEWED, "associations"].low > 0
    assert against[BALANCED, "associations"].high < 0
    (said,) = [one.sentence for one in found.verdict.caveats if one.code == "WB017"]
    assert SKEWED in said
    assert BALANCED not in said
