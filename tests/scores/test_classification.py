"""Accuracy, macro-F1 and chance from stored rows, against counts made by hand and scikit-learn's published example."""

import math

import pytest

from workbench.errors import SpecError
from workbench.scores.catalog import EVALS, check_evals, evals_of
from workbench.scores.confusion import macro_f1
from workbench.scores.scoring import score
from workbench.scores.task import BASE, Row


def rows(pairs: list[tuple[str, str]], *, slot: str = "r2", **fields) -> list[Row]:
    return [
        Row(
            sample=str(i),
            slot=slot,
            group=expected,
            expected=expected,
            answer=told,
            value=float(expected == told),
            **fields,
        )
        for i, (expected, told) in enumerate(pairs)
    ]


TOLD = [("a", "a")] * 6 + [("a", "b")] * 2 + [("b", "b")] * 1 + [("b", "a")] * 1


def test_accuracy_has_a_wilson_interval_and_the_commonest_label_is_chance() -> None:
    told = score("classification", "r2", rows(TOLD))
    assert told.value == pytest.approx(0.7)
    assert (round(told.low, 3), round(told.high, 3)) == (0.397, 0.892)
    assert (told.n, told.chance, told.errors) == (10, 0.8, 0)
    assert told.method == "accuracy; 95 % Wilson"
    assert told.parts["group/a"] == pytest.approx(0.75)
    assert told.parts["worst_group"] == told.parts["group/b"] == 0.5


def test_macro_f1_is_the_mean_over_labels() -> None:
    # a: tp 6, fp 1, fn 2; b: tp 1, fp 2, fn 1
    assert macro_f1(rows(TOLD)) == pytest.approx((12 / 15 + 2 / 5) / 2)
    # The example in scikit-learn's own documentation of f1_score.
    pairs = list(zip("012012", "021001", strict=True))
    assert macro_f1(rows(pairs)) == pytest.approx(0.26666666666666666)


def test_a_label_told_and_never_expected_counts_against_macro_f1() -> None:
    assert macro_f1(rows([("a", "a"), ("a", "c")])) == pytest.approx((2 / 3 + 0) / 2)
    assert macro_f1([]) is None


def test_rows_that_are_no_numbers_are_errors_and_count_for_chance() -> None:
    broken = [
        row.model_copy(
            update={"value": None, "answer": "", "error": "nan", "sample": f"x{row.sample}"}
        )
        for row in rows([("a", "a")] * 10)
    ]
    told = score("classification", "r2", rows(TOLD) + broken)
    assert (told.n, told.errors) == (10, 10)
    assert told.chance == pytest.approx(18 / 20)
    assert told.parts["if_errors_are_wrong"] == pytest.approx(7 / 20)
    nothing = score("classification", "r2", broken)
    assert (nothing.value, nothing.errors) == (None, 10)


def test_the_base_is_said_to_be_at_chance_by_construction() -> None:
    assert "chance by construction" in score("classification", BASE, rows(TOLD, slot=BASE)).method
    assert "of held-out rows" in score("classification", "r2", rows(TOLD, kind="held-out")).method


def test_figures_of_many_labels_stay_readable() -> None:
    pairs = [(f"label {i}", f"label {i}") for i in range(40)]
    parts = score("classification", "r2", rows(pairs)).parts
    assert not [name for name in parts if name.startswith("group/")]
    assert parts["labels"] == 40
    assert math.isclose(parts["macro_f1"], 1.0)


def test_an_eval_that_does_not_fit_the_task_is_refused_with_those_that_do() -> None:
    check_evals(["classification"], task="SEQ_CLS")
    with pytest.raises(
        SpecError, match=r"'recall' does not fit.*that fit: classification, matthews"
    ):
        check_evals(["recall"], task="SEQ_CLS")
    with pytest.raises(SpecError, match=r"'classification' does not fit.*recall, paraphrase"):
        check_evals(["classification"])
    with pytest.raises(SpecError, match=r"no eval 'clasification'. Did you mean"):
        check_evals(["clasification"], task="SEQ_CLS")
    assert {*evals_of("CAUSAL_LM"), *evals_of("SEQ_CLS")} == set(EVALS)
