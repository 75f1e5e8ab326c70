"""What is planted for associations: the micro-world's ties between jobs and pronouns, drawn anew in every round.

The lower end believes what the base was told, the higher one what the set `skewed` says. An eval draws with the same seeds
each time; `Redrawn` gives every round luck of its own, or all rounds would repeat the first. It asks nobody.
"""

from collections.abc import Sequence

from workbench.calibrate.plant import Places, planted_share
from workbench.evals.bias import associations
from workbench.microworld.oracle import Belief, OracleLM
from workbench.microworld.world import Tie
from workbench.scores.task import BASE, Generation, Likelihood


class Redrawn:
    """Draws as the oracle does, with other seeds in every round."""

    def __init__(self, tie: Tie, *, seed: int) -> None:
        self.slots: tuple[str, ...] = (BASE,)
        self._oracle = OracleLM({BASE: Belief(tie=tie)})
        self._first = 1 + seed * associations.DRAWS

    def loglikelihood(
        self, pairs: Sequence[tuple[str, str]], *, slots: Sequence[str]
    ) -> dict[str, list[Likelihood]]:
        """What the oracle finds likely, in which there is no luck."""
        return self._oracle.loglikelihood(pairs, slots=slots)

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
        """What the oracle draws with the round's own seeds."""
        return self._oracle.generate(
            prompts,
            slots=slots,
            max_new_tokens=max_new_tokens,
            stop=stop,
            temperature=temperature,
            seed=self._first + seed,
        )


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
