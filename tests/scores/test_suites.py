"""Suites stand for several evals, bring the benchmarks for which a file is given, and are never empty."""

import pytest

from workbench.errors import SpecError
from workbench.scores.catalog import EVALS
from workbench.scores.suites import SUITES, expand


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("tells_facts", [True, False])
def test_a_suite_asks_several_evals_that_need_no_file(suite, tells_facts):
    found = expand([suite], tells_facts=tells_facts)
    assert len(found) > 1
    assert all(EVALS[name].suite == suite and not EVALS[name].file for name in found)


def test_slick_is_asked_where_the_rows_tell_facts():
    assert "slick" in expand(["hallucination"])
    assert "slick" not in expand(["hallucination"], tells_facts=False)


def test_a_file_brings_its_benchmark():
    found = expand(["recall", "bias"], files={"crows_pairs": "crows.csv", "bbq": "data/Age.jsonl"})
    assert found[0] == "recall"
    assert {"crows_pairs:crows.csv", "bbq:data/Age.jsonl"} < set(found)


def test_a_benchmark_is_named_by_itself_too():
    assert expand(["crows_pairs"], files={"crows_pairs": "c.csv"}) == ("crows_pairs:c.csv",)


def test_an_eval_that_is_named_besides_its_suite_is_asked_once():
    assert expand(["occupations", "bias"]).count("occupations") == 1


def test_a_file_that_nobody_asks_is_refused():
    with pytest.raises(SpecError, match=r"'bbq', which is not asked; .* its suite 'bias'"):
        expand(["recall"], files={"bbq": "Age.jsonl"})


def test_a_file_for_an_unknown_benchmark_names_the_nearest():
    with pytest.raises(SpecError, match=r"no eval 'crows_pair' that asks a file.*crows_pairs"):
        expand(["bias"], files={"crows_pair": "crows.csv"})


def test_a_classifier_answers_no_suite():
    with pytest.raises(SpecError, match="'bias' asks a model that writes"):
        expand(["bias"], task="SEQ_CLS")
