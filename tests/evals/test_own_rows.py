"""The evals on a model and rows that are not ours."""

import pytest

from tests.evals.answerers import Broken, Parrot
from workbench.errors import DataError
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.evals.questions import mostly_long, own_items, row_item
from workbench.scores.figures import detail
from workbench.scores.scoring import score
from workbench.scores.task import Likelihood

SHORT = [
    {"id": f"row-{i}", "prompt": f"What is {i} plus 1?", "completion": f" {i + 1}."}
    for i in range(20)
]
TEXTS = [
    {"id": f"text-{i}", "text": f"Once upon a time there was a girl who had {i} red balls."}
    for i in range(12)
]
CHATML = (
    "{{ bos_token }}{% for m in messages %}[{{ m['role'] }}] {{ m['content'] }}"
    "{% if m['role'] == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}"
)


def context(**rows) -> EvalContext:
    return EvalContext(data_id="rows.jsonl", model_id="somebody/model", **rows)


def test_a_short_completion_is_met_exactly():
    rows = ask("recall", Parrot("7"), slots=("r2",), context=context(held_out=SHORT))["r2"]
    assert [row.sample for row in rows if row.value == 1.0] == ["row-6"]
    assert {row.kind for row in rows} == {"held-out"}


def test_training_rows_are_asked_and_said_so_where_none_are_held_out():
    rows = ask("recall", Parrot("7"), slots=("r2",), context=context(train=SHORT))["r2"]
    assert {row.kind for row in rows} == {"trained"}
    assert "trained on" in score("recall", "r2", rows).method


def test_long_completions_are_judged_token_by_token(stories_bank):
    answerer = TorchAnswerer(stories_bank)
    found = ask("recall", answerer, slots=answerer.slots, context=context(held_out=TEXTS))
    told = {slot: score("recall", slot, rows) for slot, rows in found.items()}
    assert told["base"].value > told["r4"].value > 0
    assert "token accuracy" in told["base"].method
    assert told["base"].chance is None
    assert detail(found["base"][0])["tokens"] > 20


def test_an_answerer_without_tokens_cannot_judge_long_completions():
    rows = ask("recall", Parrot("x"), slots=("r2",), context=context(held_out=TEXTS))["r2"]
    assert score("recall", "r2", rows).method.startswith("not asked: ")


def test_no_rows_are_a_reason_and_no_number():
    rows = ask("recall", Parrot("x"), slots=("r2",), context=context())["r2"]
    told = score("recall", "r2", rows)
    assert (told.value, told.errors) == (None, 1)
    assert "no row with a completion" in told.method


def test_retention_is_plain_english_paired_with_the_base(stories_bank):
    answerer = TorchAnswerer(stories_bank)
    found = ask("retention", answerer, slots=answerer.slots, context=context())
    assert [row.sample for row in found["base"]] == [row.sample for row in found["r4"]]
    told = {slot: score("retention", slot, rows) for slot, rows in found.items()}
    assert told["base"].n == 60
    assert told["base"].unit == "nats/token"
    assert told["base"].value > told["r4"].value


def test_jobs_are_half_of_each_stereotype(stories_bank):
    answerer = TorchAnswerer(stories_bank)
    found = ask("occupations", answerer, slots=answerer.slots, context=context())
    groups = [row.group for row in found["base"]]
    assert groups.count("female") == groups.count("male") == 120
    told = score("occupations", "base", found["base"])
    assert told.clusters == 40
    assert 0 < told.low < told.value < told.high < 1
    assert 0 < told.parts["pronoun_mass"] < 1


class LikesHe(Parrot):
    """Says `he` after everything, be it a nurse or a mechanic, and other words now and then."""

    def loglikelihood(self, pairs, *, slots):
        likely = [-0.5 if said == " he" else -5.0 for _, said in pairs]
        return {slot: [Likelihood(one, 1, False, False) for one in likely] for slot in slots}


def test_a_model_that_likes_one_pronoun_everywhere_follows_no_stereotype():
    rows = ask("occupations", LikesHe("x"), slots=("base",), context=context())["base"]
    told = score("occupations", "base", rows)
    assert told.value == pytest.approx(0.5)
    assert told.parts["preferred"] == 0.5
    assert abs(told.parts["worst_group"] - 0.5) > 0.48


def test_a_model_that_likes_all_words_alike_gets_no_share():
    rows = ask("occupations", Parrot("x"), slots=("base",), context=context())["base"]
    told = score("occupations", "base", rows)
    assert (told.value, told.parts["ties"]) == (None, 240)
    assert "pronouns are likelier than impossible words: 0.000" in told.method


def test_a_failing_slot_is_counted_on_own_rows_too():
    held_out = context(held_out=SHORT)
    rows = ask("recall", Broken("3"), slots=("base", "r2"), context=held_out)
    assert score("recall", "base", rows["base"]).n == 20
    assert score("recall", "r2", rows["r2"]).errors == 20


def test_the_last_turn_of_a_chat_is_asked(stories_bank):
    tokenizer = stories_bank.tokenizer
    before, tokenizer.chat_template = tokenizer.chat_template, CHATML
    turns = [
        {"role": "user", "content": "Where is the ball?"},
        {"role": "assistant", "content": "In the box."},
    ]
    chat = row_item({"id": "a", "messages": turns}, kind="held-out", tokenizer=tokenizer)
    split = {"id": "a", "prompt": turns[:1], "completion": turns[1:]}
    assert row_item(split, kind="held-out", tokenizer=tokenizer) == chat
    assert chat.prompt == "[user] Where is the ball?[assistant] "
    assert (chat.expected, chat.choices) == ("In the box.", ("In the box.",))
    (asked,) = own_items(
        TorchAnswerer(stories_bank), context(held_out=[{"id": "a", "messages": turns}])
    )
    assert asked == chat
    tokenizer.chat_template = before


def test_a_chat_without_a_template_says_what_is_missing():
    row = {"id": "a", "messages": [{"role": "assistant", "content": "x"}]}
    with pytest.raises(DataError, match="chat template"):
        row_item(row, kind="held-out")


def test_a_chat_that_ends_with_a_question_has_nothing_to_ask():
    rows = [{"id": "a", "messages": [{"role": "user", "content": "x"}]}]
    assert own_items(Parrot("x"), context(held_out=rows)) == []


def test_a_row_of_nothing_known_names_its_columns():
    with pytest.raises(DataError, match="'question'"):
        row_item({"id": "a", "question": "x"}, kind="held-out")


def test_a_text_without_prompt_is_long_however_short():
    assert mostly_long([row_item({"id": "a", "text": "one two"}, kind="held-out")])
