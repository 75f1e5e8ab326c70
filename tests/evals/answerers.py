"""Answerers of known behaviour: they follow the protocol and have no model."""

from collections.abc import Sequence

from workbench.evals.generation import Timing
from workbench.scores.task import Generation, Likelihood


class Parrot:
    """Says the same to everything."""

    def __init__(self, says: str, *, slots: tuple[str, ...] = ("base", "r2")) -> None:
        self.slots = slots
        self._says = says

    def loglikelihood(self, pairs, *, slots):
        return {slot: [Likelihood(-1.0, 1, False, False) for _ in pairs] for slot in slots}

    def generate(self, prompts, *, slots, max_new_tokens=16, **manner):
        return {slot: [Generation(self._says, 1, False) for _ in prompts] for slot in slots}


class Broken(Parrot):
    """One slot fails whenever it is asked."""

    def generate(self, prompts, *, slots, max_new_tokens=16, **manner):
        if "r2" in slots:
            raise RuntimeError("CUDA out of memory")
        return super().generate(prompts, slots=slots)

    def loglikelihood(self, pairs, *, slots):
        if "r2" in slots:
            raise RuntimeError("CUDA out of memory")
        return super().loglikelihood(pairs, slots=slots)


class _Tokenizer:
    all_special_ids = (0,)

    def __len__(self) -> int:
        return 50


class Drifting(Parrot):
    """A machine that grows slower with every call, by more than the slots differ."""

    context = 128
    tokenizer = _Tokenizer()

    def __init__(self, milliseconds: dict[str, float], *, drift: float) -> None:
        super().__init__("x", slots=tuple(milliseconds))
        self._milliseconds = milliseconds
        self._drift = drift
        self.calls: list[tuple[str, int]] = []

    def time_decode(self, slot: str, *, prompt_ids: Sequence[int], new_tokens: int) -> Timing:
        self.calls.append((slot, new_tokens))
        each = self._milliseconds[slot] + self._drift * len(self.calls)
        return Timing(2 * each / 1000, (new_tokens - 1) * each / 1000)
