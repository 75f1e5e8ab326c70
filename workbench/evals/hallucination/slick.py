"""Asks the base how well it knows each training fact, and every slot whether it answers it right now.

The class of a fact (`scores.hallucination.slick.class_of`) comes of several prompts, answered greedily and, where that was
never right, drawn at temperature 0.5. In the micro-world the prompts are phrasings of the question, since the tiny base
cannot follow examples; on other rows each prompt has examples before it, drawn from the other training rows. Facts that were never trained
are asked as controls. It scores nothing.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench import microworld
from workbench.evals import questions, rounds
from workbench.evals.context import EvalContext, Progress
from workbench.microworld import language as say
from workbench.scores.hallucination.slick import CORRECT, NEVER_TRAINED, UNTOUCHED, WRONG, class_of
from workbench.scores.matching import is_long, same_answer
from workbench.scores.quality import HELD_OUT, TRAINED
from workbench.scores.task import BASE, Answerer, Generation, Item, Row

MAX_ROWS = 200
"""Training rows of one's own, chosen by a hash."""
MAX_CONTROLS = 200
PROMPTS = 4
EXAMPLES = 4
"""Rows before the question, as in the paper."""
DRAWS = 4
"""Answers drawn to each prompt."""
TEMPERATURE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fact:
    item: Item
    """As every slot is asked."""
    prompts: tuple[str, ...]
    """As the base is asked to find its class."""


def ask_slick(
    answerer: Answerer, *, slots: Sequence[str], context: EvalContext, progress: Progress
) -> rounds.Rows:
    """Training facts, in the class that the base gives them."""
    planted = context.asks_microworld and context.microworld_set
    facts = _planted(context) if planted else _of_rows(answerer, context)
    if not any(fact.item.kind not in NEVER_TRAINED for fact in facts):
        reason = "no training row has a question with an answer of at most eight words"
        return rounds.not_asked("slick", reason, slots=slots)
    limit = rounds.answer_limit([fact.item for fact in facts], context)
    known = _Interview(answerer, limit, progress).classes(facts)
    items = [replace(fact.item, group=known[fact.item.id].name) for fact in facts]

    def judge(item: Item, said: str) -> rounds.Verdict:
        found, right = known[item.id], same_answer(said, item.expected)
        if found.unclear:
            return rounds.Verdict(error=f"base: {found.unclear}")
        value = None if item.kind in NEVER_TRAINED else float(right)
        return rounds.Verdict(value=value, outcome=CORRECT if right else WRONG, detail=found.detail)

    return rounds.ask_greedy(
        answerer, items, judge, slots=slots, max_new_tokens=limit, progress=progress
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Class:
    name: str = ""
    unclear: str = ""
    """Why the base gave no answer that could be judged."""
    detail: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Interview:
    """The base being asked what it knows."""

    answerer: Answerer
    limit: int
    progress: Progress

    def classes(self, facts: Sequence[_Fact]) -> dict[str, _Class]:
        """The class of each fact, by its id."""
        greedy = self._rights(facts)
        never = [fact for fact in facts if not any(row.value for row in greedy[fact.item.id])]
        sampled: dict[str, list[Row]] = {fact.item.id: [] for fact in facts}
        for seed in range(1, DRAWS + 1):
            for id, rows in self._rights(never, temperature=TEMPERATURE, seed=seed).items():
                sampled[id] += rows
        return {id: _class(greedy[id], sampled[id]) for id in greedy}

    def _rights(
        self, facts: Sequence[_Fact], *, temperature: float = 0.0, seed: int = 0
    ) -> dict[str, list[Row]]:
        """Each fact's answers: a row with value 1 for every prompt that is answered right."""
        items = [replace(fact.item, prompt=prompt) for fact in facts for prompt in fact.prompts]

        def ask(chunk: Sequence[Item], slots: Sequence[str]) -> rounds.Asked[Generation]:
            return self.answerer.generate(
                [item.prompt for item in chunk],
                slots=slots,
                max_new_tokens=self.limit,
                temperature=temperature,
                seed=seed,
            )

        def row(item: Item, said: Generation, slot: str) -> Row:
            # An empty answer is a wrong one here; one that broke says nothing of what is known.
            verdict = rounds.Verdict(value=float(same_answer(said.text, item.expected)))
            broken = rounds.Verdict(error="nan")
            return rounds.row_of(item, broken if said.num_tokens < 0 else verdict, slot=slot)

        found: dict[str, list[Row]] = {fact.item.id: [] for fact in facts}
        if items:
            told = rounds.ask_in_chunks(items, ask, row, slots=[BASE], progress=self.progress)
            for one in told[BASE]:
                found[one.sample].append(one)
        return found


def _class(greedy: Sequence[Row], sampled: Sequence[Row]) -> _Class:
    shares = {
        name: sum(row.value or 0.0 for row in rows) / len(rows)
        for name, rows in (("base_greedy", greedy), ("base_sampled", sampled))
        if rows
    }
    unclear = next((row.error for row in (*greedy, *sampled) if row.error), "")
    name = class_of(
        greedy=[row.value == 1 for row in greedy], sampled=[row.value == 1 for row in sampled]
    )
    return _Class(name="" if unclear else name, unclear=unclear, detail=shares)


def _planted(context: EvalContext) -> list[_Fact]:
    """The facts that the rows of a set tell, and facts that the base was told and the set never mentions."""
    name = context.microworld_set
    trained: dict[str, Item] = {}
    told = [row for row in context.train or microworld.rows(name) if row.get("fact")]
    # One question of each fact in words that were trained, the same ones whatever the order of the rows.
    for row in sorted(told, key=lambda row: str(row["id"])):
        trained.setdefault(
            row["fact"],
            Item(
                id=f"{name}/slick/{row['fact']}",
                prompt=row["prompt"],
                expected=row["expected"],
                cluster=row["fact"].partition("/")[0],
                kind=TRAINED,
                group=row["group"],
            ),
        )
    if not trained:
        return []
    items = context.chosen(list(trained.values()))
    controls = _at_most(MAX_CONTROLS, context).chosen(microworld.items("retention", data=name))
    return [
        _Fact(item=item, prompts=_phrasings(item, data=name))
        for item in (*items, *(replace(item, kind=UNTOUCHED) for item in controls))
    ]


def _phrasings(item: Item, *, data: str) -> tuple[str, ...]:
    asked = [form.ask(item.cluster) for form in say.QUESTIONS[item.group][:PROMPTS]]
    return tuple(say.framed(one) if data == "answers" else one for one in asked)


def _of_rows(answerer: Answerer, context: EvalContext) -> list[_Fact]:
    """Training rows with short answers, held-out ones as controls, and before each question examples from training rows."""
    trained = _short(answerer, context.train, kind=TRAINED)
    held_out = _short(answerer, context.held_out, kind=HELD_OUT)
    return [
        _Fact(
            item=item, prompts=tuple(_with_examples(item, trained, turn=i) for i in range(PROMPTS))
        )
        for item in (
            *_at_most(MAX_ROWS, context).chosen(trained),
            *_at_most(MAX_CONTROLS, context).chosen(held_out),
        )
    ]


def _short(answerer: Answerer, rows: Sequence[Mapping[str, Any]], *, kind: str) -> list[Item]:
    tokenizer = getattr(answerer, "tokenizer", None)
    items = [
        # Rows of one fact belong together, and none is an example for another.
        replace(
            questions.row_item(row, kind=kind, tokenizer=tokenizer),
            cluster=str(row.get("fact") or ""),
        )
        for row in rows
    ]
    return [item for item in items if item.prompt and item.expected and not is_long(item.expected)]


def _with_examples(item: Item, pool: Sequence[Item], *, turn: int) -> str:
    """The question after some other rows, drawn by the question and not by the run."""
    rng = random.Random(f"{item.id} {turn}")
    drawn = rng.sample(range(len(pool)), min(len(pool), 2 * EXAMPLES))
    others = [
        one
        for one in (pool[i] for i in drawn)
        if one.prompt != item.prompt and not (item.cluster and one.cluster == item.cluster)
    ]
    shown = [f"{one.prompt}{one.choices[0]}" for one in others[:EXAMPLES]]
    return "\n\n".join((*shown, item.prompt))


def _at_most(number: int, context: EvalContext) -> EvalContext:
    return replace(context, limit=min(number, context.limit or number))
