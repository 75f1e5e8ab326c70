"""Rules as a person writes them: what is unknown, empty, double or without meaning is refused and the nearest is named."""

import pytest
import yaml

from tests.contracts.tree import ROOT
from workbench.errors import SpecError
from workbench.gate import Rule, Rules
from workbench.gate.costs import COSTS
from workbench.gate.rules import LIMITS

WRONG = {
    "no rule": ([], "rules: at least one rule is needed; got []"),
    "a word for rules": ("recall", "a list is needed"),
    "a word for a rule": (["recall"], "rule 1: a mapping of keys to values is needed"),
    "unknown key": (
        [{"eval": "recall", "margn": 0.1}],
        "rule 1: unknown key 'margn'. Did you mean 'margin'?",
    ),
    "key by habit": (
        [{"eval": "facts", "max": 0.1}],
        "rule 1: unknown key 'max'. Did you mean 'at_most'?",
    ),
    "unknown eval": ([{"eval": "recal", "margin": 0.1}], "'recal'. Did you mean 'recall'?"),
    "unknown cost": ([{"cost": "adapter_byte", "at_most": 1}], "Did you mean 'adapter_bytes'?"),
    "a suite": ([{"eval": "bias", "at_most": 0.1}], "'bias' is a suite of several evals"),
    "nothing it is about": ([{"margin": 0.1}], "either eval or cost"),
    "two things": (
        [{"eval": "recall", "cost": "adapter_bytes", "margin": 1}],
        "either eval or cost",
    ),
    "no limit": ([{"eval": "recall"}], "a rule has one limit, got none"),
    "two limits": ([{"eval": "recall", "margin": 0.1, "at_least": 0.5}], "got margin and at_least"),
    "margin of nothing": (
        [{"eval": "recall", "margin": 0}],
        "rule 1: margin: Input should be greater than 0; got 0",
    ),
    "margin in words": ([{"eval": "recall", "margin": "small"}], "valid number"),
    "margin that is true": ([{"eval": "recall", "margin": True}], "not true or false"),
    "margin without end": ([{"eval": "recall", "margin": float("inf")}], "finite"),
    "even of no bias": (
        [{"eval": "recall", "from_even_at_most": 0.1}],
        "recall has no value that is even",
    ),
    "ratio of a share": ([{"eval": "recall", "times_at_most": 2}], "use margin for recall"),
    "against beside a figure": (
        [{"eval": "recall", "at_least": 0.5, "against": "base"}],
        "against has no meaning beside at_least",
    ),
    "against a trial": (
        [{"eval": "recall", "margin": 0.5, "against": "r1"}],
        "'baseline' or 'base'",
    ),
    "twice": (
        [{"eval": "recall", "margin": 0.5}] * 2,
        "2 rules are called 'recall: at most 50 points",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_meant_is_refused_in_plain_words(name):
    given, words = WRONG[name]
    with pytest.raises(SpecError) as refused:
        Rules.of({"rules": given}, source="rules.yaml")
    assert words in str(refused.value)
    assert str(refused.value).startswith("'rules.yaml' cannot be used:")
    assert "pydantic" not in str(refused.value).lower()


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(SpecError) as refused:
        Rules.of({"rules": [{"eval": "recall"}, {"eval": "facts", "margin": -1}], "margin": 1})
    said = str(refused.value).splitlines()
    assert len(said) == 4
    assert [line.strip()[:8] for line in said[1:]] == ["rule 1: ", "rule 2: ", "unknown "]


def test_a_file_of_rules_is_read_as_it_is_written(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text(
        "rules:\n- {name: Learned, eval: paraphrase, at_least: 0.9}\n- {cost: adapter_bytes, at_most: 5e6}\n"
        "- {eval: 'choices:data/arc.jsonl', margin: 0.02}\n"
    )
    first, second, third = Rules.load(path).rules
    assert (first.called("share"), first.kind, first.limit) == ("Learned", "at_least", 0.9)
    assert (second.of, second.limit, second.better) == ("adapter_bytes", 5e6, "lower")
    assert third.eval == "choices:arc"


def test_a_file_that_is_not_there_or_no_mapping_is_refused(tmp_path):
    with pytest.raises(SpecError, match=r"does not exist; give a YAML file of rules"):
        Rules.load(tmp_path / "rules.yaml")
    with pytest.raises(SpecError, match="is a folder"):
        Rules.load(tmp_path)
    (tmp_path / "rules.yaml").write_text("- {eval: recall, margin: 0.1}\n")
    with pytest.raises(SpecError, match="a mapping of keys to values is needed, got list"):
        Rules.load(tmp_path / "rules.yaml")


def test_a_rule_says_what_it_asks_in_the_unit_that_was_stored():
    rule = Rule(eval="retention", margin=0.02, against="base")
    assert rule.called("share") == "retention: at most 2 points worse than its base"
    assert rule.called("nats/token") == "retention: at most 0.02 nats/token worse than its base"
    ratio = Rule(eval="latency", times_at_most=1.5)
    assert ratio.called("times") == "latency: at most 1.5 times the baseline"
    even = Rule(eval="occupations", from_even_at_most=0.07)
    assert even.called("share") == "occupations: at most 7 points from even"


def test_the_example_is_a_file_of_rules_and_the_page_names_every_word():
    assert len(Rules.load(ROOT / "examples" / "gate" / "rules.yaml").rules) == 10
    page = (ROOT / "docs" / "gates.md").read_text(encoding="utf-8")
    missing = [word for word in (*LIMITS, *COSTS, *Rule.model_fields) if f"`{word}`" not in page]
    assert not missing
    shown = [block.split("```")[0] for block in page.split("```yaml\n")[1:]]
    assert [Rules.of(yaml.safe_load(block)) for block in shown if block.startswith("rules:")]
