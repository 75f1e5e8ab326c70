"""An answerer that says what stands in its script: an end of a mixture where the oracle has no answer.

`Script(said={prompt: answer})` generates, `Script(logprobs={text: log P})` is asked how likely whole texts are. What is
not in the script is an error. It knows no eval and draws nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workbench.scores.task import BASE, Generation, Likelihood


@dataclass(slots=True, kw_only=True)
class Script:
    """Says the same in every slot."""

    said: Mapping[str, str] = field(default_factory=dict)
    logprobs: Mapping[str, float] = field(default_factory=dict)
    slots: tuple[str, ...] = (BASE,)

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
        """What stands there, up to a stop string; a token is a word."""
        return {slot: [self._generation(p, stop=stop) for p in prompts] for slot in slots}

    def loglikelihood(
        self, pairs: Sequence[tuple[str, str]], *, slots: Sequence[str]
    ) -> dict[str, list[Likelihood]]:
        """What stands there of the text; prompts are left aside."""
        told = [
            Likelihood(self.logprobs[text], len(text.split()), False, False) for _, text in pairs
        ]
        return {slot: list(told) for slot in slots}

    def _generation(self, prompt: str, *, stop: Sequence[str]) -> Generation:
        text = self.said[prompt]
        ends = [place for one in stop if (place := text.find(one)) >= 0]
        kept = text[: min(ends, default=len(text))]
        return Generation(kept, len(kept.split()), False)
