"""The published answers of two systems, scored by us: every digit that research on the same files printed.

XQuAD's English part holds 1,190 of SQuAD's dev questions with their ids; SQuAD's leaderboard published what systems
answered. The figures were worked out apart from this code, from the same two files.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from workbench.scores.extractive import exact_rows, overlap
from workbench.scores.scoring import score
from workbench.scores.task import Row
from workbench.stats.intervals import cluster_codes, standard_error
from workbench.stats.paired import paired_difference

BERT, RNET = "bert_ensemble", "rnet_plus_ensemble"
PUBLISHED = {
    # EM, F1, and F1's standard errors: naive, clustered by paragraph, clustered by article.
    BERT: ("74.87", "86.32", "0.84", "0.88", "1.24"),
    RNET: ("72.77", "83.41", "0.94", "1.02", "1.36"),
}


@pytest.fixture(scope="module")
def answered(shared_data: Path) -> Mapping[str, list[Row]]:
    """A row for each question and system; its cluster is the article, its group the paragraph."""
    questions, golden = shared_data / "xquad_en" / "xquad.en.json", shared_data / "golden" / "squad"
    if not questions.is_file() or not golden.is_dir():
        pytest.skip("xquad_en or golden/squad is not among the shared data")
    articles = json.loads(questions.read_text(encoding="utf-8"))["data"]
    rows: dict[str, list[Row]] = {}
    for system in PUBLISHED:
        said = json.loads((golden / f"{system}.json").read_text(encoding="utf-8"))
        rows[system] = [
            _row(system, said[question["id"]], question, article=f"{a}", paragraph=f"{a}/{p}")
            for a, article in enumerate(articles)
            for p, paragraph in enumerate(article["paragraphs"])
            for question in paragraph["qas"]
        ]
    return rows


def _row(system: str, said: str, question: Mapping, *, article: str, paragraph: str) -> Row:
    references = [answer["text"] for answer in question["answers"]]
    exact, f1 = overlap(said, references)
    return Row(
        sample=question["id"],
        slot=system,
        cluster=article,
        group=paragraph,
        expected=references[0],
        answer=said,
        value=f1,
        detail=json.dumps({"exact": exact}),
    )


def values(rows: Sequence[Row]) -> np.ndarray:
    return np.asarray([row.value for row in rows], dtype=float)


def error(x: np.ndarray, clusters: Sequence[str] | None = None) -> float:
    codes = None if clusters is None else cluster_codes(clusters, n=len(x))[0]
    return standard_error(x, codes)


@pytest.mark.parametrize("system", PUBLISHED)
def test_em_f1_and_their_errors_are_those_published(answered, system):
    rows = answered[system]
    told = score("extractive:xquad", system, rows)
    assert (told.n, told.clusters, told.errors) == (1190, 48, 0)
    found = (
        told.parts["exact_match"],
        told.value,
        error(values(rows)),
        error(values(rows), [row.group for row in rows]),
        error(values(rows), [row.cluster for row in rows]),
    )
    assert tuple(f"{100 * one:.2f}" for one in found) == PUBLISHED[system]


def test_the_interval_of_the_score_is_the_clustered_one(answered):
    told = score("extractive:xquad", BERT, answered[BERT])
    half = (told.high - told.low) / 2
    # t(47) at 97.5 % is 2.0117
    assert half == pytest.approx(
        2.0117 * error(values(answered[BERT]), [r.cluster for r in answered[BERT]]), rel=1e-4
    )
    assert "48 clusters" in told.method


def test_pairing_narrows_the_difference_as_published(answered):
    a, b = values(answered[BERT]), values(answered[RNET])
    articles = [row.cluster for row in answered[BERT]]
    unpaired = math.hypot(error(a), error(b))
    found = (np.mean(a - b), unpaired, error(a - b), error(a - b, articles))
    assert tuple(f"{100 * one:.2f}" for one in found) == ("2.92", "1.26", "0.82", "0.98")
    assert f"{np.corrcoef(a, b)[0, 1]:.2f}" == "0.58"


def test_f1_separates_two_systems_that_exact_match_does_not(answered):
    articles = [row.cluster for row in answered[BERT]]
    f1 = paired_difference(values(answered[BERT]), values(answered[RNET]), clusters=articles)
    assert (
        f"{f1.value / error(values(answered[BERT]) - values(answered[RNET]), articles):.1f}"
        == "3.0"
    )
    assert f1.low > 0
    exact = [values(exact_rows(answered[system])) for system in (BERT, RNET)]
    em = paired_difference(*exact)
    assert (em.above, em.below, f"{em.p:.3f}") == (99, 74, "0.068")
    assert em.test == "McNemar, exact"
    assert em.low < 0 < em.high
