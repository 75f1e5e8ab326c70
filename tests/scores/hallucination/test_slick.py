"""Accuracy on training facts by what the base knew of each, by hand."""

import pytest

from workbench.scores.hallucination.slick import CLASSES, UNTOUCHED, class_of
from workbench.scores.quality import HELD_OUT, TRAINED
from workbench.scores.scoring import score
from workbench.scores.task import Row

HIGHLY, MAYBE, WEAKLY, UNKNOWN = CLASSES


def facts(group: str, rights: str, *, kind: str = TRAINED, error: str = "") -> list[Row]:
    """A row for each letter: `r` where it is answered right now."""
    return [
        Row(
            sample=f"{kind}-{group}-{i}",
            slot="r8",
            group=group,
            kind=kind,
            expected=f"{group} {i}",
            outcome="" if error else "correct" if right == "r" else "wrong",
            value=None if error or kind != TRAINED else float(right == "r"),
            error=error,
        )
        for i, right in enumerate(rights)
    ]


@pytest.mark.parametrize(
    ("greedy", "sampled", "name"),
    [
        ("rrrr", "", HIGHLY),
        ("rrrr", "----", HIGHLY),
        ("r---", "----", MAYBE),
        ("-rrr", "rrrr", MAYBE),
        ("----", "---r", WEAKLY),
        ("----", "rrrr", WEAKLY),
        ("----", "----", UNKNOWN),
        ("----", "", UNKNOWN),
    ],
)
def test_a_class_is_what_was_right_and_how_it_was_asked(greedy, sampled, name):
    assert (
        class_of(greedy=[one == "r" for one in greedy], sampled=[one == "r" for one in sampled])
        == name
    )


def test_the_value_is_the_share_of_training_facts_and_classes_are_told_apart():
    asked = [*facts(HIGHLY, "rrr-"), *facts(MAYBE, "r-"), *facts(UNKNOWN, "r---")]
    told = score("slick", "r8", asked)
    assert (told.value, told.n) == (0.5, 10)
    assert told.chance == 0.1
    assert [told.parts[f"class/{name}"] for name in CLASSES] == [0.4, 0.2, 0.0, 0.4]
    assert [told.parts[f"n/{name}"] for name in CLASSES] == [4, 2, 0, 4]
    assert [told.parts.get(f"accuracy/{name}") for name in CLASSES] == [0.75, 0.5, None, 0.25]


def test_errors_on_what_the_base_knew_leave_out_what_it_did_not():
    asked = [*facts(HIGHLY, "rrr-"), *facts(WEAKLY, "r-"), *facts(UNKNOWN, "----")]
    untouched = [*facts(HIGHLY, "r---", kind=UNTOUCHED), *facts(UNKNOWN, "--", kind=UNTOUCHED)]
    told = score("slick", "r8", [*asked, *untouched])
    assert told.n == 10
    assert told.parts["errors_on_known/trained"] == pytest.approx(2 / 6)
    assert told.parts["errors_on_known/trained/n"] == 6
    assert told.parts["errors_on_known/untouched"] == 0.75
    assert told.parts["errors_on_known/untouched/low"] == pytest.approx(0.3006, abs=1e-4)
    assert told.parts["errors_on_known/untouched/high"] == pytest.approx(0.9544, abs=1e-4)


def test_whoever_learned_nothing_and_forgot_nothing_does_not_look_good():
    told = score("slick", "r8", [*facts(HIGHLY, "rr"), *facts(UNKNOWN, "------")])
    assert told.parts["errors_on_known/trained"] == 0.0
    assert told.value == 0.25


def test_always_the_commonest_answer_gets_chance_and_no_more():
    same = [row.model_copy(update={"expected": "unknown"}) for row in facts(UNKNOWN, "rrr")]
    told = score("slick", "r8", [*same, *facts(HIGHLY, "---")])
    assert told.value == told.chance == 0.5


def test_what_broke_is_counted_and_never_scored():
    asked = [*facts(HIGHLY, "rr"), *facts("", "--", error="base: nan")]
    told = score("slick", "r8", [*asked, *facts(HIGHLY, "-", kind=HELD_OUT, error="nan")])
    assert (told.value, told.n, told.errors) == (1.0, 2, 2)
    assert told.parts["if_errors_are_wrong"] == 0.5
    assert told.parts["class/HighlyKnown"] == 1.0
    assert "errors_on_known/held-out" not in told.parts
