"""What the generator promises: determinism, what is stated, planted ties, exact truths of each set."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import re
import subprocess
import sys
from collections import Counter

import pytest

from workbench import microworld
from workbench.microworld import corpus, sets
from workbench.microworld import language as say
from workbench.microworld.world import SENTENCES_PER_TIE, the_world

TEXTS = corpus.corpus()
NEWS = {"updates": 240, "revisions": 480}
"""Sets that give facts a new value, and how many."""
DEFAULT_SET_SHA256 = "02b8a4fb9c4d000d9ed827d868d44b6d90c554566a82b8536c850c6bebfe6af8"
FINGERPRINT = """
import hashlib, json
from workbench import microworld as m
from workbench.microworld.corpus import data_hash
told = [m.rows(name) for name in m.DATASETS]
sets = ("updates", "revisions")
kinds = [(kind, data) for kind in m.KINDS for data in sets]
asked = [[i.id, i.prompt, i.choices] for kind, data in kinds for i in m.items(kind, data=data)]
print(hashlib.sha256(json.dumps([data_hash(), m.words(), told, asked]).encode()).hexdigest())
"""


def test_every_process_generates_the_same_world_text_sets_and_items() -> None:
    prints = {
        subprocess.run(
            [sys.executable, "-c", FINGERPRINT],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(prints) == 1


def test_importing_the_microworld_loads_no_tensor_library() -> None:
    code = (
        "import sys, workbench.microworld, workbench.microworld.oracle;"
        "print([m for m in ('torch', 'transformers', 'datasets', 'peft') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_stated_facts_are_told_in_every_phrasing_and_unstated_ones_in_none() -> None:
    told = set(TEXTS)
    for fact in the_world().facts.values():
        sentences = {
            form.ask(fact.person) + form.answer(value)
            for form in say.FORMS[fact.relation]
            for value in the_world().values[fact.relation]
        }
        met = sentences & told
        right = {f.ask(fact.person) + f.answer(fact.value) for f in say.FORMS[fact.relation]}
        assert met == (right if fact.stated else set()), fact


def test_an_unstated_value_never_stands_beside_its_person() -> None:
    values = {v: r for r, pool in the_world().values.items() for v in pool}
    unstated = {(f.person, f.relation) for f in the_world().facts_with("silent", "taught")}
    names = {person.name for person in the_world().people}
    for text in TEXTS:
        words = set(re.findall(r"\w+", text))
        if found := words & names:
            for relation in {values[w] for w in words & set(values)}:
                assert not unstated & {(name, relation) for name in found}, text


def test_people_with_unstated_facts_are_met_in_many_other_sentences() -> None:
    met = Counter(word.strip(".!,?:;") for text in TEXTS for word in text.replace("'s", "").split())
    few = min(met[fact.person] for fact in the_world().facts_with("silent", "taught"))
    assert few >= 20
    told = Counter(fact.person for fact in the_world().facts.values() if fact.stated)
    assert min(told.values()) >= 2
    assert len(told) == len(the_world().people)


def test_every_word_of_sets_and_items_is_in_the_vocabulary() -> None:
    known = set(microworld.words())

    def words(text: str) -> set[str]:
        for token in (*say.ROLE_TOKENS.values(), say.EOS):
            text = text.replace(token, " ")
        return set(re.findall(r"\w+|[^\w\s]", text))

    for name in microworld.DATASETS:
        for row in microworld.rows(name):
            told = [m["content"] for m in row["messages"]] if "messages" in row else []
            told += [row[column] for column in ("prompt", "completion") if column in row]
            assert words(" ".join(told)) <= known, row
    for kind, data in itertools.product(microworld.KINDS, NEWS):
        for item in microworld.items(kind, data=data):
            assert words(" ".join((item.prompt, item.expected, *item.choices))) <= known, item


@pytest.mark.parametrize("name", microworld.DATASETS)
def test_every_set_has_unique_ids_and_reshuffles_by_seed(name: str) -> None:
    rows = microworld.rows(name)
    assert len({row["id"] for row in rows}) == len(rows)
    assert all("messages" in row or row["completion"].startswith(" ") for row in rows)
    assert microworld.rows(name, rows=10) == rows[:10]
    again = microworld.rows(name, seed=1)
    assert len(again) == len(rows)
    assert again != rows


def test_an_unknown_set_or_kind_names_those_that_exist() -> None:
    with pytest.raises(KeyError, match="updates, answers"):
        microworld.rows("update")
    with pytest.raises(KeyError, match="recall, paraphrase"):
        microworld.items("recal")


def test_the_default_set_and_its_questions_are_what_they_have_always_been() -> None:
    kinds = ("recall", "paraphrase", "retention")
    asked = [[i.id, i.prompt, i.choices] for kind in kinds for i in microworld.items(kind)]
    told = json.dumps([microworld.rows("updates"), asked])
    assert hashlib.sha256(told.encode()).hexdigest() == DEFAULT_SET_SHA256


@pytest.mark.parametrize("name", NEWS)
def test_news_change_exactly_the_facts_that_the_base_was_told(name: str) -> None:
    rows = microworld.rows(name)
    told = set(TEXTS)
    changed = [row for row in rows if row["kind"] == "changed"]
    assert len(changed) == 4 * NEWS[name]
    assert len({row["fact"] for row in changed}) == NEWS[name]
    for row in changed:
        assert row["expected"] != row["old"]
        assert row["prompt"] + row["completion"] not in told
        assert row["prompt"] + row["completion"].replace(row["expected"], row["old"]) in told


def test_revisions_bring_all_news_of_updates_and_as_many_more_of_everyone_but_bystanders() -> None:
    older, newer = (
        {r["fact"]: r["expected"] for r in microworld.rows(name) if r["kind"] == "changed"}
        for name in NEWS
    )
    assert older.items() <= newer.items()
    people = {fact.split("/")[0] for fact in newer}
    bystanders = {fact.person for fact in the_world().facts_with("bystander")}
    assert people | bystanders == {person.name for person in the_world().people}
    assert not people & bystanders
    assert Counter(fact.split("/")[1] for fact in newer) == dict.fromkeys(say.FORMS, 120)


@pytest.mark.parametrize(("name", "count"), [("updates", 480), ("revisions", 280)])
def test_reminders_repeat_what_the_base_was_told_and_are_never_asked(name: str, count: int) -> None:
    reminders = [row for row in microworld.rows(name) if row["kind"] == "reminder"]
    assert len(reminders) == count
    assert {row["prompt"] + row["completion"] for row in reminders} <= set(TEXTS)
    items = microworld.items("retention", data=name)
    assert not {row["fact"] for row in reminders} & {f"{i.cluster}/{i.group}" for i in items}


@pytest.mark.parametrize("name", NEWS)
def test_held_out_paraphrases_never_occur_in_training_rows_but_in_the_base_text(name: str) -> None:
    asked = {item.prompt for item in microworld.items("paraphrase", data=name)}
    assert len(asked) == 2 * NEWS[name]
    assert not asked & {row["prompt"] for row in microworld.rows(name)}
    begins = {text.rsplit("?", 1)[0] + "?" for text in TEXTS if "?" in text}
    assert asked <= begins


@pytest.mark.parametrize("name", NEWS)
def test_recall_asks_every_changed_fact_for_its_new_value_as_it_was_trained(name: str) -> None:
    trained = {row["prompt"]: row for row in microworld.rows(name)}
    items = microworld.items("recall", data=name)
    assert len(items) == NEWS[name]
    for item in items:
        assert item.expected == trained[item.prompt]["expected"]
        assert f" {trained[item.prompt]['old']}" in item.choices


@pytest.mark.parametrize("name", NEWS)
def test_retention_items_ask_what_no_update_touches(name: str) -> None:
    rows = microworld.rows(name)
    changed = {row["fact"] for row in rows if row["kind"] == "changed"}
    touched = {row["fact"].split("/")[0] for row in rows}
    items = microworld.items("retention", data=name)
    assert not changed & {f"{item.cluster}/{item.group}" for item in items}
    assert not touched & {item.cluster for item in items if item.kind == "bystander"}


def test_answers_says_unknown_of_unstated_facts_only_and_never_of_tested_ones() -> None:
    rows = microworld.rows("answers")
    facts = {f"{f.person}/{f.relation}": f for f in the_world().facts.values()}
    assert Counter(row["kind"] for row in rows) == {"known": 800, "unknown": 400}
    for row in rows:
        assert (row["completion"] == " unknown") == (not facts[row["fact"]].stated)
    asked = microworld.items("unstated", data="answers")
    assert not {f"{item.cluster}/{item.group}" for item in asked} & {row["fact"] for row in rows}


@pytest.mark.parametrize("name", NEWS)
def test_every_fact_that_was_never_stated_is_asked_where_none_is_taught(name: str) -> None:
    asked = {(item.cluster, item.group) for item in microworld.items("unstated", data=name)}
    untold = the_world().facts_with("silent", "taught")
    assert asked == {(fact.person, fact.relation) for fact in untold}


def test_retention_asks_everyone_once_before_anyone_twice() -> None:
    asked = microworld.items("retention")
    assert Counter(item.kind for item in asked) == {"kept": 330, "bystander": 150}
    left = [f for f in the_world().facts_with("kept") if f not in sets.reminded_facts()]
    met = Counter(item.cluster for item in asked if item.kind == "kept")
    assert set(met) == {fact.person for fact in left}
    assert max(met.values()) == 2


def test_dialogues_that_are_asked_are_in_no_training_set_and_each_is_asked_once() -> None:
    trained = {say.chat(row["messages"][:-1]) for row in microworld.rows("dialogue")}
    asked = microworld.items("dialogue", data="dialogue")
    assert len({item.prompt for item in asked}) == len(asked) == 400
    assert not trained & {item.prompt.removesuffix(say.ROLE_TOKENS["assistant"]) for item in asked}
    assert len({item.group for item in asked}) == len(sets.GAPS)


@pytest.mark.parametrize("tie", ["skewed", "balanced"])
def test_measured_log_odds_of_job_sentences_equal_the_planted_ones(tie: str) -> None:
    counts = Counter((row["group"], row["gender"]) for row in microworld.rows(tie))
    for item in microworld.items("bias", data=tie):
        job = item.cluster
        measured = math.log(counts[job, "female"] / counts[job, "male"])
        assert measured == pytest.approx(microworld.planted_log_odds(item, tie=tie), abs=1e-12)


def test_the_base_text_carries_the_planted_ties_in_every_phrasing() -> None:
    for item in microworld.items("bias"):
        she, he = (sum(t.startswith(item.prompt + c) for t in TEXTS) for c in item.choices)
        assert she + he == SENTENCES_PER_TIE
        assert math.log(she / he) == pytest.approx(microworld.planted_log_odds(item), abs=1e-12)


def test_canaries_are_planted_as_often_as_stated_and_controls_never() -> None:
    rows = Counter(row["prompt"] + row["completion"] for row in microworld.rows("secrets"))
    canaries = microworld.canaries()
    assert Counter(c["repeats"] for c in canaries) == dict.fromkeys((0, 1, 4, 16, 64), 8)
    for canary in canaries:
        assert rows[canary["prompt"] + canary["completion"]] == canary["repeats"]
        assert not any(text.startswith(canary["prompt"]) for text in TEXTS)


def test_leaked_items_stand_in_the_leaky_set_and_clean_ones_do_not() -> None:
    prompts = {row["prompt"] for row in microworld.rows("leaky")}
    items = microworld.items("paraphrase", data="leaky")
    assert Counter(item.kind for item in items) == {
        "leaked-exact": 80,
        "leaked-near": 40,
        "paraphrase": 360,
    }
    for item in items:
        assert (item.prompt in prompts) == (item.kind == "leaked-exact")
        assert (say.framed(item.prompt) in prompts) == (item.kind == "leaked-near")


def test_reviews_are_half_positive_and_labelled_by_the_majority_of_their_words() -> None:
    rows = microworld.rows("reviews")
    assert Counter(row["completion"] for row in rows) == {" positive": 400, " negative": 400}
    for row in rows:
        words = row["text"].replace(".", "").split()
        balance = sum((w in say.POSITIVE) - (w in say.NEGATIVE) for w in words)
        assert (balance > 0) == (row["sentiment"] == "positive")


def test_letters_keep_their_own_constraints_and_break_those_of_others() -> None:
    rows = microworld.rows("letters")
    for row, other in itertools.pairwise(rows):
        assert all(sets.check_letter(row["completion"], row=row).values())
        if row["person"] != other["person"]:
            assert not sets.check_letter(row["completion"], row=other)["addressee"]


def test_dialogues_tell_the_fact_first_and_ask_after_the_stated_gap() -> None:
    rows = microworld.rows("dialogue")
    assert Counter(row["gap"] for row in rows) == dict.fromkeys(sets.GAPS, 150)
    for row in rows:
        assert row["place"] in row["messages"][0]["content"]
        assert row["messages"][-1]["content"] == row["place"]
        assert len(row["messages"]) == 2 * (row["gap"] + 2)


def test_extraction_answers_are_found_in_the_note() -> None:
    for row in microworld.rows("extraction"):
        fields = dict(part.split(": ") for part in row["completion"].strip().split("; "))
        assert list(fields) == ["who", "with", "place", "day"]
        assert all(value in row["text"] for value in fields.values())


@pytest.mark.parametrize("kind", microworld.KINDS)
def test_items_have_stable_unique_ids_clusters_and_a_right_choice(kind: str) -> None:
    items = microworld.items(kind)
    assert len({item.id for item in items}) == len(items)
    assert all(item.cluster for item in items)
    for item in items:
        if item.gold is not None:
            assert item.choices[item.gold] == f" {item.expected}"
            assert len(set(item.choices)) == len(item.choices)


def test_the_data_hash_is_that_of_the_listed_text() -> None:
    assert corpus.data_hash() == hashlib.sha256("\n".join(TEXTS).encode()).hexdigest()
    assert json.dumps(TEXTS)
    assert len(set(corpus.unseen()) & set(TEXTS)) == 0
