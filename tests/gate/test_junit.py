"""A judgement as a CI server reads it: parsed back, it has a case for each rule, and no name breaks it."""

from xml.etree import ElementTree

import pytest

from tests.gate.swept import swept
from workbench.errors import SpecError
from workbench.gate import Judgement, Rules, as_junit, gate

RULES = (
    {"eval": "recall", "margin": 0.05},
    {"name": "Floor", "eval": "recall", "at_least": 0.95},
    {"eval": "facts", "at_most": 0.5},
)

HOSTILE = {
    "markup": '<script>alert(1)</script> & "quoted" ]]><!--',
    "attributes": "' onload='x' \" x=\"",
    "control signs": "a\x00b\x1b[31mred\x07\x0c\x1f",
    "other direction": "safe\u202egnitset\u2066",
    "halves of a sign": "half \ud800 and \udfff and \ufffe",
    "lines": "one\ntwo\r\nthree\tfour",
    "entities": "&lol; &#0; <!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>",
    "other writing": "قاعدة 规则 правило 🙂",
}


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    return swept(tmp_path_factory.mktemp("junit"), [190, 150])


def parsed(path, *rules):
    judgement = gate(path, rules=Rules.of({"rules": list(rules)}))
    return judgement, ElementTree.fromstring(as_junit(judgement))


def test_there_is_a_case_for_each_rule_and_candidate_with_its_end(sweep):
    judgement, root = parsed(sweep, *RULES)
    (suite,) = root
    cases = suite.findall("testcase")
    assert [(case.get("classname"), case.get("name")) for case in cases[:3]] == [
        ("new.r1", "recall: at most 5 points worse than the baseline"),
        ("new.r1", "Floor"),
        ("new.r1", "facts: at most 50 %"),
    ]
    ends = [
        "failure"
        if c.find("failure") is not None
        else "skipped"
        if c.find("skipped") is not None
        else ""
        for c in cases
    ]
    words = {"pass": "", "fail": "failure", "undecided": "skipped"}
    assert ends == [words[one.verdict] for one in judgement.held]
    assert ends == ["", "skipped", "skipped", "failure", "failure", "skipped"]
    for element in (root, suite):
        counts = {key: element.get(key) for key in ("tests", "failures", "errors", "skipped")}
        assert counts == {"tests": "6", "failures": "2", "errors": "0", "skipped": "3"}


def test_a_failure_says_the_figure_the_limit_and_the_reason(sweep):
    _, root = parsed(sweep / "r2", RULES[0])
    message = root.find(".//failure").get("message")
    assert message.startswith("−15.0 points [−19.")
    assert "allowed ≥ −5.0; the whole interval is beyond the limit" in message
    told = root.find(".//failure").text
    assert "new/r2 against new/base" in told
    assert "90 % Newcombe" in told
    _, root = parsed(sweep / "r1", RULES[2])
    assert "facts was not asked in new" in root.find(".//skipped").get("message")


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_word_breaks_the_document_or_stands_in_it_as_anything_but_text(sweep, kind):
    words = HOSTILE[kind]
    found = gate(sweep / "r2", rules=Rules.of({"rules": [RULES[0]]}))
    told = found.held[0].model_copy(update={"rule": words, "reason": words})
    root = ElementTree.fromstring(as_junit(Judgement(held=(told,), notes=(words,))))
    tags = {"testsuites", "testsuite", "testcase", "failure", "system-out"}
    assert {element.tag for element in root.iter()} == tags
    (case,) = root.iter("testcase")
    texts = [case.get("name"), root.find(".//failure").get("message"), *root.itertext()]
    assert not set("".join(texts)) & set("\x00\x1b\x07\x0c\x1f\u202e\u2066\ud800\ufffe")
    if kind in ("markup", "attributes", "entities", "other writing"):
        assert case.get("name") == words.strip()
        assert words in root.find(".//failure").text


def test_names_that_no_text_can_hold_are_refused_in_rules():
    with pytest.raises(SpecError, match="rule 1: name"):
        Rules.of({"rules": [{**RULES[0], "name": HOSTILE["halves of a sign"]}]})
