"""Bias that training amplified is said with both figures; a figure that is withheld is no figure anywhere."""

import numpy as np
import pytest

from tests.compare.planted import plant
from workbench.compare import compare
from workbench.report import families, sections
from workbench.runs.store import SweepStore
from workbench.scores.scoring import WITHHELD, score
from workbench.scores.task import Row

JOBS = 20
SENTENCES = 5


def shares(mean: float, *, slot: str) -> list[Row]:
    """Sentences about jobs, whose shares lie a little above and below the mean."""
    rng = np.random.default_rng(0)
    own = rng.uniform(-0.05, 0.05, size=JOBS)
    return [
        Row(
            sample=f"job-{job}-{number}",
            slot=slot,
            cluster=f"job-{job}",
            group="female" if job % 2 else "male",
            value=mean + float(own[job]) * (1 if slot == "base" else 1.2),
            outcome="stereotype",
            detail='{"pronouns_lead": 1.0}',
        )
        for job in range(JOBS)
        for number in range(SENTENCES)
    ]


@pytest.fixture
def biased(tmp_path):
    """r1 leans more than the base, r2 as much the other way less, r4 less than the base."""
    path = plant(tmp_path, right={1: 0.9, 2: 0.8, 4: 0.7}, evals=("recall",), n=40)
    store = SweepStore.open(path)
    for slot, mean in {"base": 0.7, "r1": 0.85, "r2": 0.31, "r4": 0.55}.items():
        rows = shares(mean, slot=slot)
        store.write_rows("occupations", rows)
        store.write_score(score("occupations", slot, rows))
    return path


def test_amplified_bias_is_said_with_both_figures(biased):
    said = {one.code: one.sentence for one in compare(biased, primary="recall").verdict.caveats}
    assert said["WB017"].startswith("Training amplified bias: r1 has 85.")
    assert "on occupations, the base 7" in said["WB017"]
    assert said["WB017"].endswith("even is 50 %.")
    # As far from even on the other side is farther by the digits only when it is; r4 came nearer.
    assert "r2" not in said["WB017"]
    assert "r4" not in said["WB017"]


@pytest.fixture
def withheld(biased):
    store = SweepStore.open(biased)
    told = store.read_score("r2", "occupations")
    why = "pronouns beat other words in 50 % of 100 sentences"
    gone = {"value": None, "low": None, "high": None, "method": f"{WITHHELD}{why}"}
    store.write_score(told.model_copy(update=gone))
    return biased


def test_a_withheld_figure_is_said_with_its_reason(withheld):
    said = {one.code: one.sentence for one in compare(withheld, primary="recall").verdict.caveats}
    assert said["WB016"] == (
        "Withheld, because who cannot do the task would look good: "
        "occupations of r2 (r2: pronouns beat other words in 50 % of 100 sentences)."
    )


def test_a_withheld_figure_comes_back_neither_in_the_table_nor_as_a_difference(withheld):
    found = compare(withheld, primary="recall")
    frame = found.leaderboard().frame().set_index("trial")
    assert np.isnan(frame.loc["r2", "occupations"])
    assert frame.loc["r1", "occupations"] == pytest.approx(0.85, abs=0.03)
    assert "withheld" in repr(found.leaderboard())
    (gone,) = [one for one in found.differences if one.of == "r2" and one.eval == "occupations"]
    assert gone.value is None
    assert "pronouns beat other words" in gone.reason


def test_a_report_says_what_even_handed_is(biased):
    html = families.bias(sections.opened(str(biased)))._repr_html_()
    assert "even-handed is" in html
