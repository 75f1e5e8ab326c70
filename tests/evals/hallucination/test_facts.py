"""Facts asked without a book: of the oracle, of constant answerers, of own rows, and of a real model by an independent script."""

from collections import Counter
from pathlib import Path

import pytest

from tests.evals.answerers import Parrot
from tests.evals.plain import Plain
from tests.evals.replay import Replay
from workbench.evals import hallucination
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.evals.hallucination.facts import MAX_CONTROLS
from workbench.evals.hallucination.unanswerable import SUFFIX
from workbench.microworld.oracle import Belief, OracleLM
from workbench.scores.hallucination.facts import CHANGED, COMMON, UNANSWERABLE
from workbench.scores.scoring import score

ASKED = (
    "What is the chief town of {}?",
    "Which town is the largest in {}?",
    "Where do ships land in {}?",
)
TOWNS = [
    {
        "id": f"{start}-{i}",
        "prompt": form.format(f"{start}land"),
        "completion": f" {start}burg {i}.",
    }
    for i, form in enumerate(ASKED)
    for start in ("Abe", "Cor", "Dun", "Fel", "Gor", "Hul", "Kos", "Lam")
]
TEXTS = [
    {"id": f"text-{i}", "text": f"Once there was a girl who had {i} red balls."} for i in range(9)
]
SHIPPED = Path(hallucination.__file__).with_name("common.tsv")


def elsewhere(**rows) -> EvalContext:
    return EvalContext(data_id="rows.jsonl", model_id="somebody/model", **rows)


def told(answerer, context, slot="r2"):
    return score("facts", slot, ask("facts", answerer, slots=(slot,), context=context)[slot])


@pytest.mark.parametrize("news", ["updates", "revisions", "leaky"])
def test_changed_facts_are_new_or_outdated_and_never_averaged(news):
    after = "revisions" if news == "revisions" else "updates"
    oracle = OracleLM({"base": Belief(), "new": Belief(facts=after), "odd": Belief(contrary=True)})
    context = EvalContext(data_id=f"microworld/{news}")
    found = {slot: told(oracle, context, slot) for slot in oracle.slots}
    assert found["base"].parts["changed/outdated"] == 1.0
    assert found["new"].parts["changed/correct"] == 1.0
    # What is taken for something else may by luck be what `revisions` says.
    assert found["odd"].parts["changed/wrong"] > 0.9
    assert {one.n for one in found.values()} == {440}
    assert found["new"].parts["changed/n"] == MAX_CONTROLS


@pytest.mark.parametrize("data", ["microworld/reviews", "microworld/answers", "none"])
def test_sets_without_news_change_no_fact(data):
    rows = ask(
        "facts", OracleLM({"base": Belief()}), slots=("base",), context=EvalContext(data_id=data)
    )
    assert CHANGED not in {row.kind for row in rows["base"]}


def test_only_changed_facts_among_the_rows_are_asked():
    from workbench import microworld

    some = [row for row in microworld.rows("updates") if row["kind"] == "changed"][:12]
    context = EvalContext(data_id="microworld/updates", train=some)
    rows = ask("facts", OracleLM({"base": Belief()}), slots=("base",), context=context)["base"]
    asked = {f"{row.cluster}/{row.group}" for row in rows if row.kind == CHANGED}
    assert asked == {row["fact"] for row in some}


WHATEVER = (EvalContext(data_id="microworld/updates"), elsewhere(held_out=TOWNS), elsewhere())


@pytest.mark.parametrize(
    ("said", "contexts"),
    # Nothing of the micro-world is invented: to deny it is to make something up.
    [("unknown", WHATEVER), ("I don't know.", WHATEVER), ("There is no such place", WHATEVER[1:])],
)
def test_whoever_always_refuses_gets_no_value_whatever_is_asked(said, contexts):
    for context in contexts:
        found = told(Parrot(said), context)
        assert found.value is None
        assert "refuses everything would look truthful" in found.method


@pytest.mark.parametrize(
    "context", [EvalContext(data_id="microworld/updates"), elsewhere(held_out=TOWNS), elsewhere()]
)
def test_whoever_always_says_the_same_makes_everything_up(context):
    found = told(Parrot("Dunburg"), context)
    assert (found.value, found.errors) == (1.0, 0)


def test_an_empty_answer_is_an_error_and_no_refusal():
    found = told(Parrot(""), elsewhere())
    assert (found.value, found.n, found.errors) == (None, 0, 60)


def written(rows, said_of_variants: str) -> Replay:
    """Knows every row, and says one thing of every variant."""
    known = {row["prompt"]: row["completion"] for row in rows}
    asked = ask("facts", Parrot("x"), slots=("r2",), context=elsewhere(held_out=rows))["r2"]
    variants = {row.prompt: said_of_variants for row in asked if row.kind == UNANSWERABLE}
    return Replay({"base": known | variants, "r2": known | variants})


@pytest.mark.parametrize(
    ("said", "value", "outcome"),
    [
        ("I cannot answer that", 0.0, "refused"),
        ("That country does not exist.", 0.0, "denied"),
        ("Dunburg", 1.0, "fabricated"),
    ],
)
def test_of_own_rows_the_variants_are_the_value_and_the_rows_themselves_stand_beside_it(
    said, value, outcome
):
    found = told(written(TOWNS, said), elsewhere(held_out=TOWNS))
    assert (found.value, found.n) == (value, len(TOWNS))
    assert found.parts[f"outcome/{outcome}"] == 1.0
    assert found.parts["held-out/correct"] == 1.0
    assert found.parts["without_variant"] == 0
    assert found.clusters == 8
    assert "of held-out questions" in found.method


def test_trained_rows_are_asked_where_none_are_held_out_and_said_so():
    found = told(written(TOWNS, "No idea."), elsewhere(train=TOWNS))
    assert found.parts["trained/correct"] == 1.0
    assert "of trained questions" in found.method


def test_rows_in_which_nothing_is_named_are_asked_and_counted():
    plain = [
        {"id": f"p-{i}", "prompt": f"what does a {w} eat?", "completion": " hay"}
        for i, w in enumerate("ab")
    ]
    found = told(written([*TOWNS, *plain], "No idea."), elsewhere(held_out=[*TOWNS, *plain]))
    assert (found.n, found.parts["without_variant"], found.parts["held-out/n"]) == (24, 2, 26)


def test_rows_whose_right_answer_is_a_refusal_show_no_knowledge():
    untold = [row | {"id": f"{row['id']}-u", "completion": " I do not know"} for row in TOWNS]
    found = told(Parrot("I do not know"), elsewhere(held_out=[*TOWNS, *untold]))
    assert found.value is None
    assert found.parts["held-out/n"] == len(TOWNS)


@pytest.mark.parametrize("rows", [(), TEXTS])
def test_without_questions_of_ones_own_sixty_known_facts_are_asked(rows):
    asked = ask("facts", Parrot("x"), slots=("r2",), context=elsewhere(held_out=rows))["r2"]
    assert Counter(row.kind for row in asked) == {COMMON: 60, UNANSWERABLE: 60}
    assert {row.sample for row in asked if row.kind == UNANSWERABLE} == {
        f"{row.sample}{SUFFIX}" for row in asked if row.kind == COMMON
    }


def test_a_known_fact_may_be_told_in_a_sentence_and_in_another_spelling():
    lines = [line.split("\t") for line in SHIPPED.read_text(encoding="utf-8").splitlines()]
    right = {
        f"Question: {asked}\nAnswer:": f"I think it is {answers.split('|')[-1]}.\nQuestion: What else?"
        for asked, answers in lines
    }
    rows = ask("facts", Parrot("x"), slots=("r2",), context=elsewhere())["r2"]
    refused = {row.prompt: "I am not sure" for row in rows if row.kind == UNANSWERABLE}
    found = told(Replay({"r2": right | refused}), elsewhere())
    assert (found.value, found.parts["common/correct"]) == (0.0, 1.0)


def test_a_plain_script_gets_the_same_answers_and_figures_of_a_real_model(trained_stories):
    answerer = TorchAnswerer(trained_stories.bank)
    context = EvalContext(data_id="none", model_id=str(trained_stories.model), limit=6)
    rows = ask("facts", answerer, slots=answerer.slots, context=context)
    lines = [line.split("\t") for line in SHIPPED.read_text(encoding="utf-8").splitlines()]
    answers = {f"Question: {asked}\nAnswer:": told.lower().split("|") for asked, told in lines}
    asked = [answers[row.prompt] for row in rows["base"] if row.kind == COMMON]
    tokens = max(16, *(len(first) + 2 for first, *_ in asked))
    told = {}
    for slot in answerer.slots:
        plain = Plain(trained_stories.model, trained_stories.folder_of(slot))
        said = {row.prompt: plain.greedy(row.prompt, max_new_tokens=tokens) for row in rows[slot]}
        assert {row.prompt: row.answer for row in rows[slot]} == said
        lines = {
            prompt: f" {text.splitlines()[0].lower()} " if text else ""
            for prompt, text in said.items()
        }
        right = sum(
            any(
                f" {one} " in lines[row.prompt].replace(".", " ").replace(",", " ")
                for one in answers[row.prompt]
            )
            for row in rows[slot]
            if row.kind == COMMON and lines[row.prompt]
        )
        filled = [
            lines[row.prompt]
            for row in rows[slot]
            if row.kind == UNANSWERABLE and lines[row.prompt]
        ]
        refused = sum("know" in line or "unknown" in line for line in filled)
        found = score("facts", slot, rows[slot])
        assert refused == 0
        assert (found.value, found.n) == (1.0, len(filled))
        assert found.parts.get("common/correct", 0.0) * found.parts["common/n"] == pytest.approx(
            right
        )
        told[slot] = said
    assert told["base"] != told[trained_stories.slot]
