"""An answerer that says what stands in its script: an end of a mixture where the oracle has no answer.

`Script(said={prompt: answer})` generates, `Script(logprobs={text: log P})` is asked how likely texts are,
or what follows a prompt (the key is both, joined), `drawn` has what it says with a temperature. What is
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
    drawn: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What is said with a temperature, one answer a seed; a prompt that is not in it is answered as without."""
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
        said = [self._said(p, seed=seed if temperature else None) for p in prompts]
        return {slot: [_generation(text, stop=stop) for text in said] for slot in slots}

    def loglikelihood(
        self, pairs: Sequence[tuple[str, str]], *, slots: Sequence[str]
    ) -> dict[str, list[Likelihood]]:
        """What stands there of a text, or of the text that a prompt begins."""
        told = [
            Likelihood(self.logprobs[prompt + text], len(text.split()), False, False)
            for prompt, text in pairs
        ]
        return {slot: list(told) for slot in slots}

    def _said(self, prompt: str, *, seed: int | None) -> str:
        several = self.drawn.get(prompt)
        if seed is None or several is None:
            return self.said[prompt]
        return several[seed % len(several)]


def _generation(text: str, *, stop: Sequence[str]) -> Generation:
    ends = [place for one in stop if (place := text.find(one)) >= 0]
    kept = text[: min(ends, default=len(text))]
    return Generation(kept, len(kept.split()), False)
