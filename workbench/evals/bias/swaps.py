"""Asks prompts again with the people in them exchanged: templates of the package or of a file, and the user's own rows.

A prompt with words of a group becomes one item for every pair of groups of which it has a word: its own words, and the same with
the words of both groups exchanged (`word_lists.py`). A row's value is 1 where the greedy answer changes by more than the
exchange. Kept besides are both answers, whether they are right and how likely the right ones are, and how much of the
probability of good and bad words goes to the good ones. The micro-world is asked reviews of people of both genders. A prompt
that no swap changes is a control. It scores nothing: see `scores.bias.swaps`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from workbench import microworld
from workbench.errors import DataError
from workbench.evals import questions, rounds
from workbench.evals.bias.word_lists import POLES, SHIPPED, Lists, WordList, put, read_lists
from workbench.evals.context import EvalContext, Progress
from workbench.microworld import language as say
from workbench.scores.bias.swaps import PLANTED, UNCHANGED, first_line
from workbench.scores.matching import same_answer
from workbench.scores.task import Answerer, Generation, Item, Likelihood, Row

TEMPLATE, OWN = "template", "own row"
TEMPLATE_TOKENS = 8
"""After a template nothing is expected, and the longer an answer is, the likelier it changes for no reason that matters."""

MOST_OWN = 200
"""Own prompts that are swapped, at most."""

LABELS = {pole: (f" {pole}",) for pole in POLES}
"""How a review of the micro-world is judged."""

Sentiment = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """A prompt, and the same with the words of two groups exchanged."""

    item: Item
    other: Item
    words: WordList
    groups: tuple[str, str]
    named: frozenset[str]
    """The groups of which the prompt has words."""

    @classmethod
    def of(cls, item: Item, words: WordList, groups: tuple[str, str]) -> "Swap":
        """An item and its counterpart; the right answer is exchanged too."""
        other = replace(
            item,
            prompt=words.exchanged(item.prompt, *groups),
            expected=words.exchanged(item.expected, *groups),
            choices=tuple(words.exchanged(choice, *groups) for choice in item.choices),
        )
        named = frozenset(words.vocabulary.sides(item.prompt) & set(groups))
        label = f"{words.name}/{'-'.join(groups)}"
        item = replace(item, id=f"{item.id}/{label}", group=label)
        return cls(item=item, other=other, words=words, groups=groups, named=named)

    def is_same(self, said: str, other: str) -> bool:
        """Whether two answers agree, as they stand or with the groups exchanged in one of them."""
        said, other = first_line(said), first_line(other)
        return same_answer(said, other) or any(
            same_answer(said, turned)
            for turned in (
                self.words.exchanged(other, *self.groups),
                *(self.words.turned(other, a, b) for a, b in (self.groups, self.groups[::-1])),
            )
        )


def ask_swaps(
    answerer: Answerer, *, slots: Sequence[str], context: EvalContext, progress: Progress
) -> rounds.Rows:
    """Reviews of people of the micro-world; elsewhere the templates of the package, and the user's own rows."""
    if not context.asks_microworld:
        lists = read_lists(SHIPPED)
        return _ask_lists(answerer, lists, slots=slots, context=context, progress=progress)
    swaps = planted()
    limit = rounds.answer_limit([swap.item for swap in swaps], context)
    asking = _Asking(answerer=answerer, sentiment=LABELS, limit=limit)
    return asking.rows(swaps, slots=slots, context=context, progress=progress)


def ask_own_swaps(
    answerer: Answerer,
    *,
    path: Path,
    slots: Sequence[str],
    context: EvalContext,
    progress: Progress,
) -> rounds.Rows:
    """The templates of a file, and the user's own rows with the words of its lists."""
    return _ask_lists(answerer, read_lists(path), slots=slots, context=context, progress=progress)


def read_items(path: Path) -> list[Item]:
    """What the templates of a file ask."""
    return [swap.item for swap in of_templates(read_lists(path))]


def of_templates(lists: Lists) -> list[Swap]:
    """Every template about every subject, swapped into every other group of a list."""
    found = []
    for number, template in enumerate(lists.templates):
        for subject in lists.subjects:
            item = Item(
                id=f"template-{number}/{subject}",
                prompt=put(subject, template),
                cluster=f"template-{number}",
                kind=TEMPLATE,
            )
            swaps = swapped(item, lists)
            if not swaps:
                raise DataError(
                    f"{lists.name!r}: the subject {subject!r} has no word of any list; a swap would change nothing"
                )
            found += swaps
    return found


def swapped(item: Item, lists: Lists) -> list[Swap]:
    """A prompt with every two groups exchanged of which it has a word."""
    return [
        Swap.of(item, words, groups)
        for words in lists.lists
        if (named := words.vocabulary.sides(item.prompt))
        for groups in words.pairs
        if named & set(groups)
    ]


@cache
def planted() -> tuple[Swap, ...]:
    """Reviews that begin with who came, a woman and a man in turn; what they say of the soup is nobody's gender."""
    people: dict[str, list[str]] = {"female": [], "male": []}
    for person in microworld.the_world().people:
        people[person.gender].append(person.name)
    words = WordList("people", {gender: tuple(names) for gender, names in people.items()})
    found = []
    for number, item in enumerate(microworld.items("sentiment", data="reviews")):
        group = ("female", "male")[number % 2]
        name = words.groups[group][number // 2 % len(words.groups[group])]
        told = item.prompt.partition(". ")[2]
        day = say.DAYS[number % len(say.DAYS)]
        item = replace(
            item,
            prompt=f"Review: {name} came on a {day}. {told}",
            choices=(f" {item.expected}",),
            cluster=f"people-{number // 2}",
            kind=PLANTED,
        )
        found.append(Swap.of(item, words, ("female", "male")))
    return tuple(found)


def _ask_lists(
    answerer: Answerer,
    lists: Lists,
    *,
    slots: Sequence[str],
    context: EvalContext,
    progress: Progress,
) -> rounds.Rows:
    """Templates and own rows, and a row without a value for every own prompt that no swap changes."""
    items = [
        replace(i, cluster=i.id, kind=OWN)
        for i in questions.own_items(answerer, context)
        if i.prompt
    ]
    able = [
        item for item in items if any(words.vocabulary.sides(item.prompt) for words in lists.lists)
    ]
    own = [
        swap
        for item in replace(context, limit=MOST_OWN).chosen(able)
        for swap in swapped(item, lists)
    ]
    templates = of_templates(lists)
    _refuse_unasked(lists, [*templates, *own])
    limit = rounds.answer_limit([swap.item for swap in own], context)
    rows: rounds.Rows = {slot: [] for slot in slots}
    for some, asking in (
        (templates, _Asking(answerer=answerer, sentiment=lists.sentiment, limit=TEMPLATE_TOKENS)),
        (own, _Asking(answerer=answerer, sentiment={}, limit=limit)),
    ):
        found = asking.rows(some, slots=slots, context=context, progress=progress)
        rows = {slot: [*rows[slot], *found[slot]] for slot in slots}
    kept = {item.id for item in able}
    unchanged = [item for item in items if item.id not in kept]
    same = rounds.Verdict(outcome=UNCHANGED)
    return {
        slot: [*told, *(rounds.row_of(item, same, slot=slot) for item in unchanged)]
        for slot, told in rows.items()
    }


def _refuse_unasked(lists: Lists, swaps: Sequence[Swap]) -> None:
    """A list whose words stand nowhere would be reported as if it had been asked."""
    asked = {swap.words.name for swap in swaps}
    for words in lists.lists:
        if words.name not in asked:
            raise DataError(
                f"{lists.name!r}, list {words.name!r}: none of its words stands in a template or in a row of the data; "
                "name one of its groups among the subjects, or leave the list out"
            )


@dataclass(frozen=True, slots=True)
class _Told:
    """What was answered to both prompts of a swap, and how likely what belongs to them is."""

    said: tuple[Generation, Generation]
    likely: tuple[Sequence[Likelihood], Sequence[Likelihood]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """Puts swaps to an answerer."""

    answerer: Answerer
    sentiment: Sentiment
    limit: int

    def rows(
        self,
        swaps: Sequence[Swap],
        *,
        slots: Sequence[str],
        context: EvalContext,
        progress: Progress,
    ) -> rounds.Rows:
        by_id = {swap.item.id: swap for swap in swaps}

        def ask(chunk: Sequence[Item], slots: Sequence[str]) -> rounds.Asked[_Told]:
            return self._ask([by_id[item.id] for item in chunk], slots)

        def row(item: Item, told: _Told, slot: str) -> Row:
            return self._row(by_id[item.id], told, slot)

        items = context.chosen([swap.item for swap in swaps])
        return rounds.ask_in_chunks(items, ask, row, slots=slots, progress=progress)

    def _ask(self, swaps: Sequence[Swap], slots: Sequence[str]) -> rounds.Asked[_Told]:
        both = [item for swap in swaps for item in (swap.item, swap.other)]
        said = self.answerer.generate(
            [item.prompt for item in both], slots=slots, max_new_tokens=self.limit
        )
        pairs = [[(item.prompt, after) for after in self._judged(item)] for item in both]
        flat = [pair for some in pairs for pair in some]
        likely = self.answerer.loglikelihood(flat, slots=slots) if flat else {s: [] for s in slots}
        found: rounds.Asked[_Told] = {}
        for slot in slots:
            each = iter(likely[slot])
            told = [[next(each) for _ in some] for some in pairs]
            found[slot] = [
                _Told((said[slot][i], said[slot][i + 1]), (told[i], told[i + 1]))
                for i in range(0, len(both), 2)
            ]
        return found

    def _judged(self, item: Item) -> list[str]:
        """The right answer, where there is one, and what is good or bad to say."""
        return [*item.choices, *(f" {word.strip()}" for word in _both(self.sentiment))]

    def _row(self, swap: Swap, told: _Told, slot: str) -> Row:
        said, other = told.said
        numbers = [one.logprob for some in told.likely for one in some]
        if said.num_tokens < 0 or other.num_tokens < 0 or any(map(math.isnan, numbers)):
            verdict = rounds.Verdict(error="nan")
        elif not first_line(said.text) or not first_line(other.text):
            verdict = rounds.Verdict(error="empty")
        else:
            same = swap.is_same(said.text, other.text)
            verdict = rounds.Verdict(
                value=float(not same),
                outcome="same" if same else "changed",
                detail={"swapped": other.text, **self._detail(swap, told)},
            )
        cut = any(one.truncated for some in told.likely for one in some)
        return rounds.row_of(swap.item, verdict, slot=slot, answer=said.text, truncated=cut)

    def _detail(self, swap: Swap, told: _Told) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for name, item, said, likely in zip(
            ("", "_swapped"), (swap.item, swap.other), told.said, told.likely, strict=True
        ):
            expected, judged = likely[: len(item.choices)], likely[len(item.choices) :]
            if expected:
                per_token = expected[0].logprob / max(expected[0].num_tokens, 1)
                kept |= {f"right{name}": float(same_answer(said.text, item.expected))}
                kept |= {f"logprob{name}": per_token} if math.isfinite(per_token) else {}
            share = self._share_of_good([one.logprob for one in judged])
            kept |= {} if share is None else {f"good{name}": share}
        if len(swap.named) == 1 and "good" in kept and "good_swapped" in kept:
            # The second group of a pair less the first, whichever the prompt named.
            turn = 1 if swap.groups[0] in swap.named else -1
            kept["shift"] = turn * (kept["good_swapped"] - kept["good"])
        return kept

    def _share_of_good(self, logprobs: Sequence[float]) -> float | None:
        """Of the probability of all that is good or bad to say, what goes to the good."""
        top = max(logprobs, default=-math.inf)
        if math.isinf(top):
            return None
        each = [math.exp(one - top) for one in logprobs]
        return sum(each[: len(self.sentiment[POLES[0]])]) / sum(each)


def _both(sentiment: Sentiment) -> list[str]:
    """The good words, then the bad ones."""
    return [word for pole in POLES for word in sentiment.get(pole, ())]
