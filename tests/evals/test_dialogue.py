"""Recall over the turns of a chat: planted distances, and chats of one's own."""

import pytest

from tests.evals.answerers import Parrot
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.microworld import language as say
from workbench.microworld.oracle import Belief, OracleLM
from workbench.scores.scoring import score
from workbench.scores.task import Generation

DIALOGUE = EvalContext(data_id="microworld/dialogue")


class _Tokenizer:
    """Chats as lines of text."""

    chat_template = "yes"
    bos_token = eos_token = None

    def apply_chat_template(self, messages, *, tokenize, add_generation_prompt=False):
        told = "".join(f"{m['role']}: {m['content']}\n" for m in messages)
        return told + ("assistant: " if add_generation_prompt else "")


class Forgetful(Parrot):
    """Knows what was said at most two turns of the user ago."""

    tokenizer = _Tokenizer()

    def generate(self, prompts, *, slots, max_new_tokens=16, **manner):
        said = [
            Generation("blue" if prompt.count("user: ") <= 2 else "red", 1, False)
            for prompt in prompts
        ]
        return dict.fromkeys(slots, said)


def chat(number: int, *, turns: int, answer: str = "blue") -> dict:
    messages = [{"role": "user", "content": f"My lamp number {number} is blue."}]
    for _ in range(turns - 1):
        messages.append({"role": "assistant", "content": "Fine."})
        messages.append({"role": "user", "content": "And my lamp?"})
    return {
        "id": f"chat-{number}",
        "messages": [*messages, {"role": "assistant", "content": answer}],
    }


def own(*chats: dict, **rows) -> EvalContext:
    return EvalContext(data_id="chats.jsonl", model_id="somebody/model", train=chats, **rows)


@pytest.mark.parametrize(("belief", "value"), [(Belief(), 1.0), (Belief(contrary=True), 0.0)])
def test_whoever_remembers_is_right_at_every_distance(belief, value):
    oracle = OracleLM({"base": belief})
    rows = ask("dialogue", oracle, slots=("base",), context=DIALOGUE)["base"]
    told = score("dialogue", "base", rows)
    assert (told.value, told.n, told.clusters, told.errors) == (value, 400, 400, 0)
    assert [told.parts[f"group/distance-{gap}"] for gap in range(5)] == [value] * 5
    assert [told.parts[f"group/distance-{gap}/n"] for gap in range(5)] == [80] * 5
    assert told.parts["farthest_minus_nearest"] == 0
    assert 1 / len(say.PLACES) < told.chance < 0.12


def test_the_trained_model_remembers_over_the_turns_it_has_met_and_not_beyond(small_bank):
    answerer = TorchAnswerer(small_bank)
    rows = ask("dialogue", answerer, slots=("base",), context=DIALOGUE)["base"]
    parts = score("dialogue", "base", rows).parts
    assert parts["group/distance-0"] > 0.95
    assert parts["group/distance-1"] > 0.95
    assert parts["group/distance-2"] < 0.5
    assert parts["worst_group"] < 0.5


def test_the_same_chats_are_asked_whatever_the_micro_world_trained():
    oracle = OracleLM({"base": Belief()})
    found = [
        ask("dialogue", oracle, slots=("base",), context=EvalContext(data_id=f"microworld/{name}"))
        for name in ("updates", "dialogue")
    ]
    first, other = ([row.prompt for row in rows["base"]] for rows in found)
    assert first == other


def test_chats_of_ones_own_are_grouped_by_their_turns():
    chats = [chat(i, turns=2 + i % 3) for i in range(30)]
    rows = ask("dialogue", Forgetful("x"), slots=("base",), context=own(*chats))["base"]
    told = score("dialogue", "base", rows)
    assert told.value == pytest.approx(1 / 3)
    assert [told.parts[f"group/turns-{n}"] for n in (2, 3, 4)] == [1.0, 0.0, 0.0]
    assert told.chance == 1.0
    assert "trained on" in told.method


def test_rows_that_are_no_chats_are_left_out():
    rows = [chat(i, turns=1 + i % 2) for i in range(10)]
    found = ask("dialogue", Forgetful("x"), slots=("base",), context=own(*rows))["base"]
    assert len(found) == 5
    assert {row.group for row in found} == {"turns-2"}


def test_very_long_chats_are_one_group_and_stand_last():
    rows = [chat(i, turns=turns) for i, turns in enumerate((2, 9, 10, 14))]
    found = ask("dialogue", Forgetful("x"), slots=("base",), context=own(*rows))["base"]
    groups = [name for name in score("dialogue", "base", found).parts if name.count("/") == 1]
    shown = [name for name in groups if name.startswith("group/")]
    assert shown == ["group/turns-2", "group/turns-9", "group/turns-10-or-more"]


@pytest.mark.parametrize(
    ("context", "why"),
    [
        (own({"id": "a", "prompt": "One?", "completion": " two"}), "no row is a chat"),
        (own(chat(0, turns=1)), "no row is a chat"),
        (own(chat(0, turns=2), held_out=[chat(1, turns=1)]), "no row is a chat"),
        (own(chat(0, turns=2, answer="a lamp " * 6)), "longer than eight words"),
    ],
    ids=["no chat", "one turn", "none held out", "long answers"],
)
def test_what_cannot_be_asked_is_said(context, why):
    rows = ask("dialogue", Forgetful("x"), slots=("base",), context=context)["base"]
    told = score("dialogue", "base", rows)
    assert told.value is None
    assert told.method.startswith("not asked: ")
    assert why in told.method
