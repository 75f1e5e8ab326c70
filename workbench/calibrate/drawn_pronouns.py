"""What is planted for associations: the micro-world's ties between jobs and pronouns, drawn anew in every round.

The lower end believes what the base was told, the higher one what the set `skewed` says. An eval draws with the same seeds
each time, and so would repeat the first round in all others; `Redrawn` has luck of its own in every round. It asks nobody.
"""

import random
from collections.abc import Sequence

from workbench.calibrate.plant import Places, planted_share
from workbench.evals.bias import associations
from workbench.microworld.oracle import Belief, OracleLM, distribution, joined
from workbench.microworld.world import Tie
from workbench.scores.task import BASE, Generation, Likelihood


class Redrawn:
    """Says what the generator may say under a tie, with other luck in every round."""

    def __init__(self, tie: Tie, *, round: int) -> None:
        self.slots: tuple[str, ...] = (BASE,)
        self._belief = Belief(tie=tie)
        self._round = round

    def loglikelihood(
        self, pairs: Sequence[tuple[str, str]], *, slots: Sequence[str]
    ) -> dict[str, list[Likelihood]]:
        """What the oracle finds likely, in which there is no luck."""
        return OracleLM({BASE: self._belief}).loglikelihood(pairs, slots=slots)

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
        """A draw of every prompt; whatever the tie, the same luck."""
        said = [self._drawn(prompt, seed=seed, limit=max_new_tokens) for prompt in prompts]
        return {slot: list(said) for slot in slots}

    def _drawn(self, prompt: str, *, seed: int, limit: int) -> Generation:
        told = distribution(prompt, belief=self._belief)
        luck = random.Random(f"{self._round}\n{seed}\n{prompt}")
        (words,) = luck.choices(list(told), weights=list(told.values()))
        return Generation(joined(words[:limit]), len(words[:limit]), len(words) > limit)


def difference(tie: Tie) -> float:
    """How much more often `she` follows jobs tied to it than jobs tied to `he`, which are as many.

    >>> round(difference("base"), 3), round(difference("skewed"), 3)
    (0.65, 0.85)
    """
    return 2 * planted_share(tie) - 1


def places() -> Places:
    """Every sentence that is asked, by the two jobs that stand beside each other and by the pair that breaks together."""
    return {
        prompt: (pair.cluster, pair.id)
        for pair in associations.planted().pairs
        for prompt in pair.prompts
    }
