"""The published solutions of four systems to GSM8K, read and scored by us: every digit, and every single verdict."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from workbench.scores.exact_answer import any_number, read, strict_number
from workbench.scores.scoring import score
from workbench.scores.task import Row
from workbench.stats.paired import paired_difference

MARKER = "\nA:"
"""What the published solutions write, on a line of its own, where the data set itself writes ####."""

PUBLISHED = {
    "6b_finetuning": ".2168",
    "6b_verification": ".3904",
    "175b_finetuning": ".3472",
    "175b_verification": ".5625",
}


@pytest.fixture(scope="module")
def solutions(shared_data: Path) -> list[Mapping]:
    path = shared_data / "golden" / "gsm8k" / "example_model_solutions.jsonl"
    if not path.is_file():
        pytest.skip("golden/gsm8k is not among the shared data")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def rows_of(solutions: list[Mapping], system: str) -> list[Row]:
    rows = []
    for number, one in enumerate(solutions):
        truth = strict_number(one["ground_truth"], marker=MARKER)
        found = read(one[system]["solution"], truth=truth, marker=MARKER)
        rows.append(
            Row(
                sample=str(number),
                slot=system,
                expected=str(truth),
                answer=one[system]["solution"],
                value=None if found.right is None else float(found.right),
                error="unparsed" if found.right is None else "",
                detail=json.dumps({"strict": found.strict}),
            )
        )
    return rows


@pytest.mark.parametrize("system", PUBLISHED)
def test_the_four_systems_have_their_published_shares(solutions, system):
    told = score("exact_answer:gsm8k", system, rows_of(solutions, system))
    assert told.n + told.errors == 1319
    assert f"{told.value:.4f}".lstrip("0") == PUBLISHED[system]
    assert f"{told.parts['strict']:.4f}".lstrip("0") == PUBLISHED[system]


@pytest.mark.parametrize("system", PUBLISHED)
def test_every_verdict_is_that_of_the_authors(solutions, system):
    ours = [json.loads(row.detail)["strict"] is True for row in rows_of(solutions, system)]
    assert ours == [one[system]["is_correct"] for one in solutions]


def test_unparsed_solutions_are_counted(solutions):
    unparsed = {
        system: round(
            1319
            * score("exact_answer:x", system, rows_of(solutions, system)).parts["strict/unparsed"]
        )
        for system in PUBLISHED
    }
    # Solutions that were cut before they came to their A: line.
    assert unparsed == {
        "6b_finetuning": 4,
        "6b_verification": 1,
        "175b_finetuning": 5,
        "175b_verification": 1,
    }


def test_a_small_verified_model_beats_a_large_one_as_published(solutions):
    small, large = (
        [row.value or 0.0 for row in rows_of(solutions, system)]
        for system in ("6b_verification", "175b_finetuning")
    )
    found = paired_difference(small, large)
    assert (found.above, found.below, f"{found.p:.5f}") == (209, 152, "0.00315")
    assert found.test == "McNemar, exact"


def test_the_answers_of_the_test_set_can_all_be_read(shared_data):
    path = shared_data / "gsm8k" / "test.jsonl"
    if not path.is_file():
        pytest.skip("gsm8k is not among the shared data")
    answers = [json.loads(line)["answer"] for line in path.read_text(encoding="utf-8").splitlines()]
    strict = [strict_number(answer) for answer in answers]
    assert len(strict) == 1319
    assert None not in strict
    assert strict == [any_number(answer) for answer in answers]
