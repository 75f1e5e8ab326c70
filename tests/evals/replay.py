"""Answerers that say what is written down for them: published answers replayed, and likelihoods stated."""

from collections.abc import Mapping

from workbench.scores.task import Generation, Likelihood


class Replay:
    """Answers every prompt as a slot is written to; a prompt that nobody wrote down is an error."""

    def __init__(self, written: Mapping[str, Mapping[str, str]]) -> None:
        self.slots = tuple(written)
        self._written = written

    def loglikelihood(self, pairs, *, slots):
        raise RuntimeError("a replay has no likelihoods")

    def generate(self, prompts, *, slots, max_new_tokens=16, stop=(), **manner):
        return {slot: [self._said(self._written[slot][p], stop) for p in prompts] for slot in slots}

    def _said(self, text, stop):
        for word in stop:
            text = text.partition(word)[0]
        return Generation(text.strip(), len(text.split()), False)


class Stated:
    """Has for every pair the likelihood that is stated for it; a token for each word, a context of `context` words."""

    def __init__(
        self, stated: Mapping[tuple[str, str], float], *, context: int = 1000, other: float = -1.0
    ) -> None:
        self.slots = ("base", "r2")
        self.asked: list[tuple[str, str]] = []
        self._stated = stated
        self._context = context
        self._other = other

    def loglikelihood(self, pairs, *, slots):
        self.asked += pairs
        return {slot: [self._likelihood(*pair) for pair in pairs] for slot in slots}

    def generate(self, prompts, *, slots, max_new_tokens=16, **manner):
        raise RuntimeError("likelihoods are stated, answers are not")

    def _likelihood(self, prompt: str, continuation: str) -> Likelihood:
        words = len(continuation.split())
        logprob = self._stated.get((prompt, continuation), self._other)
        return Likelihood(logprob, words, False, words + len(prompt.split()) > self._context)
