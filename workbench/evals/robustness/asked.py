"""The questions that are asked as they are and changed, and the two ways of asking them.

`task_of(answerer, context)` gives facts of the micro-world, else the user's own rows with short answers, both answered in
writing; else which of four second halves continues an everyday sentence, answered by likelihood per byte, so that any
model that writes has something to answer. `task.ask(...)` asks either way. It changes nothing and scores nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from types import MappingProxyType
from typing import Any

from workbench import microworld
from workbench.evals import questions, rounds
from workbench.evals.context import EvalContext, Progress
from workbench.evals.quality.retention import everyday_sentences
from workbench.microworld import language as say
from workbench.microworld.world import VALUES_PER_RELATION, stream, the_world
from workbench.scores.choices import is_right, measured, picked
from workbench.scores.matching import is_long, same_answer
from workbench.scores.robustness.clean import CLEAN, CORRECT, UNCHANGED, WRONG
from workbench.scores.task import Answerer, Item, Likelihood, Row

DEFAULT_SET = "updates"
NUM_QUESTIONS = 160
NUM_CHOICES = 4
NUM_NOTES = 200

EMPTY: Mapping[str, Mapping[str, Any]] = MappingProxyType({})

TRUE_SENTENCES = (
    "A week has seven days.",
    "The sun rises in the east.",
    "Snow is cold and white.",
    "Most birds can fly.",
    "A triangle has three sides.",
    "Honey is made by bees.",
    "The sea is full of salt.",
    "Trees grow slowly.",
    "An hour has sixty minutes.",
    "Ice turns to water in warm rooms.",
    "Fish live under water.",
    "Night follows day.",
)
"""Said beside a question that has nothing to do with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One base question: what it says, and how what it says becomes a prompt."""

    item: Item
    text: str
    write: Callable[[str], str] = str
    """Puts a text where the question's own stands, in a chat or a frame."""

    def put(self, text: str, *, kind: str, group: str | None = None) -> Item:
        """The question in another form; items of the same person or passage stay together."""
        return replace(
            self.item,
            id=f"{self.item.id}/{kind}",
            prompt=self.write(text),
            cluster=self.item.cluster or self.item.id,
            group=self.item.group if group is None else group,
            kind=kind,
        )

    def as_it_is(self) -> Item:
        """The control."""
        return self.put(self.text, kind=CLEAN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Base questions, and what goes with them."""

    questions: tuple[Question, ...]
    chance: float
    """What guessing is worth."""
    by_likelihood: bool = False
    of_microworld: bool = False
    beside: tuple[str, ...] = TRUE_SENTENCES
    """Sentences that can stand before or after a question."""
    filler: tuple[str, ...] = ()
    """Sentences that can stand before a question in any number."""

    def ask(
        self,
        answerer: Answerer,
        items: Sequence[Item],
        *,
        unchanged: Sequence[Item] = (),
        details: Mapping[str, Mapping[str, Any]] = EMPTY,
        slots: Sequence[str],
        context: EvalContext,
        progress: Progress,
    ) -> rounds.Rows:
        """Every item; those that a change left as they were are not asked, and are rows of errors.

        Args:
            details: Item's id -> what its rows keep besides.
        """

        def verdict(item: Item, *, right: bool, **kept: Any) -> rounds.Verdict:
            kept |= {"chance": self.chance, **details.get(item.id, {})}
            # A control has an outcome and no value.
            value = None if item.kind == CLEAN else float(right)
            return rounds.Verdict(value=value, outcome=CORRECT if right else WRONG, detail=kept)

        def of_words(item: Item, said: str) -> rounds.Verdict:
            return verdict(item, right=same_answer(said, item.expected))

        def of_choices(item: Item, found: Sequence[Likelihood]) -> rounds.Verdict:
            told = measured(item, found)
            right = is_right(told, by="bytes")
            if right is None:
                return rounds.Verdict(error="tie")
            return verdict(item, right=bool(right), picked=picked(told, by="bytes"))

        if self.by_likelihood:
            rows = rounds.ask_likelihoods(
                answerer, items, of_choices, slots=slots, progress=progress
            )
        else:
            rows = rounds.ask_greedy(
                answerer,
                items,
                of_words,
                slots=slots,
                max_new_tokens=self.max_new_tokens(context),
                progress=progress,
            )
        return {
            slot: [*map(_silent_is_wrong, found), *(_left_out(item, slot) for item in unchanged)]
            for slot, found in rows.items()
        }

    def max_new_tokens(self, context: EvalContext) -> int:
        """Tokens that are kept free for the answer."""
        return rounds.answer_limit([one.item for one in self.questions], context)


def task_of(answerer: Answerer, context: EvalContext) -> Task:
    """What this model is asked; a limit on items is one on base questions."""
    few = replace(context, limit=min(NUM_QUESTIONS, context.limit or NUM_QUESTIONS))
    if context.asks_microworld:
        return _facts(few)
    own = questions.own_items(answerer, few)
    if own and not questions.mostly_long(own):
        return _own(own, answerer=answerer, context=few)
    return _halves(few)


def _facts(context: EvalContext) -> Task:
    """Facts that the base was told, and that the data leave as they are."""
    name = context.microworld_set or DEFAULT_SET
    items = context.chosen(microworld.items("retention", data=name))
    return Task(
        questions=tuple(
            _fact(item, write=say.framed if name == "answers" else str) for item in items
        ),
        chance=1 / VALUES_PER_RELATION,
        of_microworld=True,
        beside=say.SMALL_TALK,
        filler=_notes(),
    )


def _fact(item: Item, *, write: Callable[[str], str]) -> Question:
    (text,) = (
        text
        for form in say.FORMS[item.group]
        if write(text := form.ask(item.cluster)) == item.prompt
    )
    return Question(item=item, text=text, write=write)


@cache
def _notes() -> tuple[str, ...]:
    """Who met whom, where and when, which the base has read of everybody."""
    rng = stream("robustness notes", seed=0)
    people = [person.name for person in the_world().people]
    found = []
    for _ in range(NUM_NOTES):
        one, other = (people[i] for i in rng.permutation(len(people))[:2])
        place, day = (pool[int(rng.integers(len(pool)))] for pool in (say.PLACES, say.DAYS))
        found.append(say.note(one, other=other, place=place, day=day))
    return tuple(found)


def _own(own: Sequence[Item], *, answerer: Answerer, context: EvalContext) -> Task:
    """The user's rows with short answers; in a chat it is the last question that is changed."""
    rows = {str(row["id"]): row for row in context.held_out or context.train}
    tokenizer = getattr(answerer, "tokenizer", None)
    return Task(
        questions=tuple(
            Question(
                item=item,
                text=_question_of(rows[item.id]),
                write=partial(_rewritten, rows[item.id], tokenizer=tokenizer),
            )
            for item in own
            if item.prompt and not is_long(item.expected)
        ),
        chance=0.0,
        filler=everyday_sentences(),
    )


def _question_of(row: Mapping[str, Any]) -> str:
    turns = _turns(row)
    return str(turns[_asking(turns)]["content"]) if turns else str(row["prompt"])


def _rewritten(row: Mapping[str, Any], text: str, *, tokenizer: Any) -> str:
    """The prompt of a row whose question says something else."""
    turns = _turns(row)
    if not turns:
        return text
    place = _asking(turns)
    changed = [*turns[:place], {**turns[place], "content": text}, *turns[place + 1 :]]
    column = "messages" if row.get("messages") else "prompt"
    return questions.row_item({**row, column: changed}, kind="", tokenizer=tokenizer).prompt


def _turns(row: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The turns of a row that is a chat."""
    turns = row.get("messages") or row.get("prompt")
    if isinstance(turns, str) and isinstance(row.get("completion"), list):
        return [{"role": "user", "content": turns}]
    return turns if isinstance(turns, list) else ()


def _asking(turns: Sequence[Mapping[str, Any]]) -> int:
    """The place of the last turn that is the user's; without one, of the first."""
    return max((i for i, turn in enumerate(turns) if turn.get("role") == "user"), default=0)


def _halves(context: EvalContext) -> Task:
    """Which of four second halves continues a sentence; each place is the right one equally often."""
    sentences = everyday_sentences()
    halves = [_halved(sentence) for sentence in sentences]
    order = [int(i) for i in stream("robustness halves", seed=0).permutation(len(sentences))]
    items = []
    for number, (first, second) in enumerate(halves):
        rng = stream(f"robustness halves {number}", seed=0)
        others = [i for i in rng.permutation(len(halves)) if i != number][: NUM_CHOICES - 1]
        gold = order.index(number) % NUM_CHOICES
        choices = [halves[i][1] for i in others]
        choices.insert(gold, second)
        items.append(
            Item(
                id=f"everyday/{number + 1}",
                prompt=first,
                expected=second.strip(),
                choices=tuple(choices),
                gold=gold,
            )
        )
    return Task(
        questions=tuple(Question(item=item, text=item.prompt) for item in context.chosen(items)),
        chance=1 / NUM_CHOICES,
        by_likelihood=True,
        filler=sentences,
    )


def _halved(sentence: str) -> tuple[str, str]:
    words = sentence.split()
    middle = len(words) // 2
    return " ".join(words[:middle]), " " + " ".join(words[middle:])


def _silent_is_wrong(row: Row) -> Row:
    """Whom a change silences has not answered: as an error it would leave the accuracy as it was."""
    if row.error != "empty":
        return row
    return row.model_copy(
        update={"error": "", "outcome": WRONG, "value": None if row.kind == CLEAN else 0.0}
    )


def _left_out(item: Item, slot: str) -> Row:
    return rounds.row_of(item, rounds.Verdict(error=UNCHANGED), slot=slot)
