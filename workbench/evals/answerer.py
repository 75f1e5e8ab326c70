"""The bank of adapters as an `Answerer`: text in, likelihoods and answers out, of all slots at once.

`TorchAnswerer(bank)` asks the loaded model and leaves it as it found it. Slots that can share a base share each
forward, a part of its tokens belonging to each; the others are asked one at a time. Texts asked twice are computed once.
Everything is asked in eval mode and without gradients, so an answer does not depend on what else is in the batch beyond
the rounding of floats. It knows no eval and makes no rows.
"""

import gc
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, NamedTuple

from workbench import __version__
from workbench.data.rendering import encode_pairs, encode_prompts, encode_text
from workbench.errors import InputError, ModelError
from workbench.evals import classifying, generation, likelihood, windows
from workbench.evals.audience import Adapters, Audience, context_length, end_ids
from workbench.evals.identity import alike, identity, probe
from workbench.evals.remembered import Answer, Answers, Question
from workbench.evals.respondents import Limit, alone
from workbench.models.heads import labels_of
from workbench.scores.task import Classification, Generation, Likelihood, Read

BROKEN = Generation("", -1, False)
"""What is generated from logits that are not finite: no answer, and not an empty one either."""


SPARE = 8
"""Tokens that are looked at for a stop string beyond as many as it has bytes."""


class Hits(NamedTuple):
    """How many tokens of a continuation are the likeliest next one, given the true ones before."""

    num_hits: int
    num_tokens: int
    logprob: float
    truncated: bool


class TorchAnswerer:
    """Asks a bank; see `scores.task.Answerer`."""

    def __init__(
        self,
        bank: Adapters,
        *,
        batch_size: int = 128,
        reserved: int = 0,
        answers: Answers | None = None,
    ) -> None:
        """Make ready.

        Args:
            bank: Who is asked.
            batch_size: Rows of one slot in a forward, at most.
            reserved: Tokens of the context that are kept free, for a prompt that a slot puts in front.
            answers: Where what was answered is looked up and kept.
        """
        if batch_size < 1:
            raise InputError(f"batch_size is {batch_size!r}; it has to be at least 1")
        self.slots = bank.slots
        self.tokenizer = bank.tokenizer
        self._bank = bank
        self._audience = Audience(bank)
        self._answers = answers
        self._identities: dict[str, str] = {}
        self._limit = Limit(
            batch_size,
            context_length(bank.model, bank.tokenizer) - reserved,
            bank.tokenizer.bos_token_id,
        )

    def loglikelihood(
        self, pairs: Sequence[tuple[str, str]], *, slots: Sequence[str]
    ) -> dict[str, list[Likelihood]]:
        """For each slot, the likelihood of every (prompt, continuation)."""
        return {
            slot: [
                Likelihood(s.logprob, s.num_tokens, s.num_hits == s.num_tokens, s.truncated)
                for s in scores
            ]
            for slot, scores in self._score(pairs, slots=slots).items()
        }

    def token_hits(
        self, pairs: Sequence[tuple[str, str]], *, slots: Sequence[str]
    ) -> dict[str, list[Hits]]:
        """For each slot, the teacher-forced tokens of every continuation it would have said itself."""
        return {
            slot: [Hits(s.num_hits, s.num_tokens, s.logprob, s.truncated) for s in scores]
            for slot, scores in self._score(pairs, slots=slots).items()
        }

    def generate(
        self,
        prompts: Sequence[str],
        *,
        slots: Sequence[str],
        max_new_tokens: int = 16,
        stop: Sequence[str] = (),
        temperature: float = 0.0,
        seed: int = 0,
    ) -> dict[str, list[Generation]]:
        """For each slot, the answer to every prompt: the likeliest at temperature 0, else one drawn with the seed."""
        manner = generation.Manner(
            max_new_tokens=max_new_tokens,
            eos_ids=end_ids(self._bank.model, self.tokenizer),
            temperature=temperature,
            seed=seed,
            is_over=partial(self._has_said, stop) if stop else None,
        )

        def ask(new: Sequence[Question], slots: Sequence[str]) -> dict[str, list[Answer]]:
            encoded = encode_prompts(self.tokenizer, [prompt for prompt, *_ in new])
            broken = [slot for slot in slots if not self.is_sound(slot)]
            said = {slot: [list(BROKEN)] * len(new) for slot in broken}
            slots = [slot for slot in slots if slot not in said]
            for some, asked in self._audience.together(slots):
                decoded = generation.decode(asked, encoded, manner=manner, limit=self._limit)
                for slot, of_slot in zip(some, decoded, strict=True):
                    said[slot] = [list(self._as_text(one, stop=stop)) for one in of_slot]
            return said

        how = ("said", max_new_tokens, *stop, temperature, seed)
        found = self._each(ask, [(prompt, *how) for prompt in prompts], slots=slots)
        return {slot: [Generation(*one) for one in said] for slot, said in found.items()}

    @property
    def labels(self) -> tuple[str, ...]:
        """What the bank's model tells apart; empty for a model that writes."""
        return labels_of(self._bank.model)

    def classify(
        self, prompts: Sequence[str], *, slots: Sequence[str]
    ) -> dict[str, list[Classification]]:
        """For each slot, the likeliest label of every prompt."""
        distinct, labels = list(dict.fromkeys(prompts)), self.labels
        encoded = [
            encode_text(self.tokenizer, text, max_length=self._limit.context) for text in distinct
        ]
        told = {}
        for slot in slots:
            with self._audience.alone(slot) as model:
                found = classifying.classify(
                    model, [tuple(ids) for ids, _ in encoded], limit=self._limit
                )
            if not self.is_sound(slot):
                found = [(math.nan,) * len(labels)] * len(distinct)
            by_prompt = {
                text: Classification(labels[logprobs.index(max(logprobs))], logprobs, cut)
                for text, logprobs, (_, cut) in zip(distinct, found, encoded, strict=True)
            }
            told[slot] = [by_prompt[text] for text in prompts]
        return told

    def time_decode(
        self, slot: str, *, prompt_ids: Sequence[int], new_tokens: int
    ) -> generation.Timing:
        """One greedy decode of a forced length, timed; the collector keeps out of it."""
        with self._audience.alone(slot) as model:
            collecting = gc.isenabled()
            gc.disable()
            try:
                return generation.time_decode(model, prompt_ids=prompt_ids, new_tokens=new_tokens)
            finally:
                if collecting:
                    gc.enable()

    def fingerprints(self, *, slots: Sequence[str]) -> dict[str, tuple[float, ...]]:
        """What each slot makes of a fixed row, asked alone: an error where the shared pass gives it something else."""
        base = self._bank.base
        row = probe(base.config.get_text_config().vocab_size, context=self.context)
        pairs = [likelihood.Pair(row[: end + 1], end) for end in range(1, len(row))]
        shared = self._score_ids(pairs, slots=slots)
        found = {}
        for slot in slots:
            with self._audience.alone(slot) as model:
                (own,) = likelihood.score_pairs(alone(model), pairs, limit=self._limit)
            found[slot] = tuple(score.logprob for score in self._or_nan(slot, own))
            if not alike(found[slot], [score.logprob for score in shared[slot]]):
                raise ModelError(
                    f"adapter {slot!r} answers differently beside others than alone; the answers of this "
                    "pass would not be its own. Evaluate it in a sweep of its own, and report this"
                )
        return found

    @property
    def context(self) -> int:
        """The longest input of the model, in tokens."""
        return self._limit.context

    def read(self, texts: Sequence[str], *, slots: Sequence[str]) -> dict[str, list[Read]]:
        """For each slot, the likelihood of every text, in windows where it is longer than the context."""

        def ask(new: Sequence[Question], slots: Sequence[str]) -> dict[str, list[Answer]]:
            encoded = self._encode_pairs([("", text) for text, _ in new])
            score = partial(self._score_ids, slots=slots)
            found = windows.read(score, encoded, context=self.context)
            return {slot: [list(one) for one in reads] for slot, reads in found.items()}

        found = self._each(ask, [(text, "read") for text in texts], slots=slots)
        return {slot: [Read(*one) for one in reads] for slot, reads in found.items()}

    def is_sound(self, slot: str) -> bool:
        """Whether the slot's weights are numbers; where they are not it has no answer."""
        return self._audience.is_sound(slot)

    def opened(self, slot: str) -> AbstractContextManager[Any]:
        """The slot's model, for an eval that looks into it."""
        return self._audience.alone(slot)

    def _score(
        self, pairs: Sequence[tuple[str, str]], *, slots: Sequence[str]
    ) -> dict[str, list[likelihood.PairScore]]:
        def ask(new: Sequence[Question], slots: Sequence[str]) -> dict[str, list[Answer]]:
            encoded = self._encode_pairs([(prompt, after) for prompt, after, _ in new])
            found = self._score_ids(encoded, slots=slots)
            return {slot: [list(score) for score in scores] for slot, scores in found.items()}

        found = self._each(ask, [(*pair, "likely") for pair in pairs], slots=slots)
        return {
            slot: [likelihood.PairScore(*score) for score in scores]
            for slot, scores in found.items()
        }

    def _score_ids(
        self, pairs: Sequence[likelihood.Pair], *, slots: Sequence[str]
    ) -> dict[str, list[likelihood.PairScore]]:
        found: dict[str, list[likelihood.PairScore]] = {}
        for some, asked in self._audience.together(slots, flat_too=True):
            scores = likelihood.score_pairs(asked, pairs, limit=self._limit)
            for slot, of_slot in zip(some, scores, strict=True):
                found[slot] = self._or_nan(slot, of_slot)
        return found

    def _or_nan(self, slot: str, scores: list[likelihood.PairScore]) -> list[likelihood.PairScore]:
        if self.is_sound(slot):
            return scores
        return [score._replace(logprob=math.nan, num_hits=0) for score in scores]

    def _each(
        self,
        ask: Callable[[Sequence[Question], Sequence[str]], dict[str, list[Answer]]],
        questions: Sequence[Question],
        *,
        slots: Sequence[str],
    ) -> dict[str, list[Answer]]:
        """What every slot answers to every question: each asked once, and not at all where it was answered before."""
        self._audience.check(slots)
        distinct = list(dict.fromkeys(questions))
        known = {slot: self._known(slot, distinct) for slot in dict.fromkeys(slots)}
        new = [q for q in distinct if any(q not in answers for answers in known.values())]
        if new:
            lacking = [
                slot for slot, answers in known.items() if any(q not in answers for q in new)
            ]
            for slot, said in ask(new, lacking).items():
                told = dict(zip(new, said, strict=True))
                known[slot] |= told
                if self._answers is not None:
                    self._answers.keep(self._identity(slot), told)
        return {slot: [known[slot][question] for question in questions] for slot in slots}

    def _known(self, slot: str, questions: Sequence[Question]) -> dict[Question, Answer]:
        if self._answers is None:
            return {}
        return self._answers.look_up(self._identity(slot), questions)

    def _identity(self, slot: str) -> str:
        if slot not in self._identities:
            # Another version may put the same question differently.
            self._identities[slot] = identity(self._bank, slot, version=__version__)
        return self._identities[slot]

    def _encode_pairs(self, pairs: Sequence[tuple[str, str]]) -> list[likelihood.Pair]:
        encoded = []
        for pair, (ids, num_prompt) in zip(pairs, encode_pairs(self.tokenizer, pairs), strict=True):
            if num_prompt == 0:
                # Without a bos nothing stands before the first token; it is then judged after an end.
                start = self.tokenizer.eos_token_id
                ids = ids if start is None else [start, *ids]
                num_prompt = min(1, len(ids))
            if len(ids) <= num_prompt:
                raise InputError(
                    f"the continuation {pair[1]!r} of {pair[0]!r} has no token of its own"
                )
            encoded.append(likelihood.Pair(tuple(ids), num_prompt))
        return encoded

    def _has_said(self, stop: Sequence[str], ids: Sequence[int]) -> bool:
        # It has just been said or not yet. A token has a byte at least, but for special ones, which are left out.
        last = max(len(word.encode()) for word in stop) + SPARE
        text = self.tokenizer.decode(ids[-last:], skip_special_tokens=True)
        return any(word in text for word in stop)

    def _as_text(self, decoded: generation.Decoded, *, stop: Sequence[str]) -> Generation:
        if decoded.broken:
            return BROKEN
        text = self.tokenizer.decode(decoded.ids, skip_special_tokens=True)
        for word in stop:
            text = text.partition(word)[0]
        return Generation(text.strip(), len(decoded.ids), decoded.cut or not decoded.ended)
