"""The model that was trained on the micro-world, as the end of a mixture: it believes what the base was told.

`trained_model()` loads it once; an answer that was given is kept, so that rounds of calibration cost one pass. It is the
only file of this folder that needs torch. It knows no eval.
"""

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from workbench.scores.task import BASE, Answerer, Generation, Likelihood


class Remembering:
    """Asks an answerer's base, each question once."""

    def __init__(self, answerer: Answerer) -> None:
        self.slots: tuple[str, ...] = (BASE,)
        self._answerer = answerer
        self._said: dict[tuple[str, Hashable], Generation] = {}
        self._likely: dict[tuple[str, str], Likelihood] = {}

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
        """What the base says."""
        how = (max_new_tokens, tuple(stop), temperature, seed)
        new = [p for p in dict.fromkeys(prompts) if (p, how) not in self._said]
        if new:
            told = self._answerer.generate(
                new,
                slots=[BASE],
                max_new_tokens=max_new_tokens,
                stop=stop,
                temperature=temperature,
                seed=seed,
            )[BASE]
            self._said.update(zip(((p, how) for p in new), told, strict=True))
        return {slot: [self._said[p, how] for p in prompts] for slot in slots}

    def loglikelihood(
        self, pairs: Sequence[tuple[str, str]], *, slots: Sequence[str]
    ) -> dict[str, list[Likelihood]]:
        """How likely the base finds it."""
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._likely]
        if new:
            told = self._answerer.loglikelihood(new, slots=[BASE])[BASE]
            self._likely.update(zip(new, told, strict=True))
        return {slot: [self._likely[pair] for pair in pairs] for slot in slots}


class _Alone:
    """A model without adapters, as an answerer wants its bank."""

    slots: tuple[str, ...] = (BASE,)
    reads_alone = ""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model = self.base = model
        self.tokenizer = tokenizer
        self.trials: dict[str, Any] = {}

    @contextmanager
    def use(self, slot: str) -> Iterator[Any]:
        """The model as it is: `base` is the only slot."""
        yield self.model

    @contextmanager
    def routed(self) -> Iterator[Any]:
        """The same."""
        yield self.model

    def parameters(self, slot: str) -> dict[str, Any]:
        """Nothing was trained."""
        return {}

    def route(self, spans: Sequence[Any]) -> None:
        """Every token is the base's."""


def trained_model() -> Answerer:
    """The embedded model, loaded."""
    from workbench.evals.answerer import TorchAnswerer
    from workbench.models.load import load
    from workbench.spec import ModelSpec

    loaded = load(ModelSpec(id="microworld"))
    return Remembering(TorchAnswerer(_Alone(loaded.model, loaded.tokenizer)))
