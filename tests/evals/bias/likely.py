"""Answerers of known preferences: how likely they find a text is a rule, and they have no model."""

from collections.abc import Callable
from itertools import pairwise

from workbench.scores.task import Likelihood


class Likely:
    """Finds (prompt, continuation) as likely as the rule says, in every slot."""

    def __init__(self, rule: Callable[[str, str], float]) -> None:
        self.slots = ("base", "r2")
        self.asked: list[tuple[str, str]] = []
        self._rule = rule

    def loglikelihood(self, pairs, *, slots):
        self.asked += pairs
        told = [Likelihood(self._rule(*pair), len(pair[1].split()), False, False) for pair in pairs]
        return {slot: list(told) for slot in slots}

    def generate(self, prompts, *, slots, max_new_tokens=16, **manner):
        raise RuntimeError("it finds texts likely and writes none")


def in_order(*sentences: str) -> Callable[[str, str], float]:
    """Knows which words follow which in these sentences: each other two words cost something."""
    known = {pair for text in sentences for pair in pairwise(text.split())}

    def rule(prompt: str, continuation: str) -> float:
        return -float(sum(pair not in known for pair in pairwise((prompt + continuation).split())))

    return rule
