"""An answerer whose true value is planted: in each slot it believes one thing of some items and another of the rest.

`Mixture(plant, seed=...)` follows the `Answerer` and `Classifier` protocols. Its slots are `base`, one for each
planted level, and `twin`, the middle level drawn anew. Who believes what is drawn by person, job, review or text, so that
items of one cluster resemble each other, and alike in all levels, so that levels are paired as the adapters of a
sweep are. Some answers are broken on purpose. It knows no eval and scores nothing.
"""

import math
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from workbench.calibrate.certificate import FAILS
from workbench.calibrate.plant import AS_TOLD, End, Plant
from workbench.microworld.oracle import Belief, OracleLM
from workbench.microworld.world import VALUES_PER_RELATION
from workbench.scores.task import BASE, Answerer, Classification, Generation, Likelihood

TWIN = "twin"
SPREAD = 0.2
"""How far the share of a job may lie from the planted one."""

SURE = 0.9
"""The probability of the label that a classifier tells."""

BROKEN = Generation("", -1, False)
NAN = Likelihood(math.nan, 1, False, False)
UNASKED = Likelihood(-math.log(VALUES_PER_RELATION), 1, False, False)
"""What any value is worth without a question."""


class Mixture:
    """Asks one end or the other; see `scores.task.Answerer`."""

    def __init__(self, plant: Plant, *, seed: int, trained: Answerer | None = None) -> None:
        """`trained` takes the place of the oracle at the end that believes what the base was told."""
        self.levels = {f"{level:g}": level for level in plant.levels}
        self.slots = (BASE, *self.levels, TWIN)
        self.labels = plant.labels
        shares = {slot: plant.share(level) for slot, level in self.levels.items()}
        self._shares = {**shares, BASE: plant.base, TWIN: shares[self.middle]}
        self._ends = [_end(one, seed=seed, trained=trained) for one in (plant.low, plant.high)]
        self._plant = plant
        self._found: tuple[dict[tuple[str, str], Likelihood], ...] = ({}, {})
        self._said: dict[tuple[int, str, float, int], Generation] = {}
        self._drawn: dict[tuple[str, ...], float] = {}
        self._places = plant.places()
        # Evals that ask for the same facts get draws of their own.
        self._key = f"{seed} {len(self._places)} {plant.levels} {plant.labels} {plant.file is None}"

    @property
    def middle(self) -> str:
        """The level that the twin repeats."""
        return list(self.levels)[len(self.levels) // 2]

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
        """For each slot, what the end says that it believes."""
        how = (temperature, seed)
        wanted = [(slot, p, int(self._believes(slot, p))) for slot in slots for p in prompts]
        for end, source in enumerate(self._ends):
            asked = dict.fromkeys(p for _, p, e in wanted if e == end)
            new = [p for p in asked if (end, p, *how) not in self._said]
            told = source.generate(
                new,
                slots=[BASE],
                max_new_tokens=max_new_tokens,
                temperature=temperature,
                seed=seed,
            )[BASE]
            self._said.update(zip(((end, p, *how) for p in new), told, strict=True))
        found: dict[str, list[Generation]] = {slot: [] for slot in slots}
        for slot, prompt, end in wanted:
            luck = f"draw {seed}" if self._plant.draws_fail_alone else ""
            said = BROKEN if self._fails(slot, prompt, luck) else self._said[end, prompt, *how]
            found[slot].append(said)
        return found

    def loglikelihood(
        self, pairs: Sequence[tuple[str, str]], *, slots: Sequence[str]
    ) -> dict[str, list[Likelihood]]:
        """For each slot, what the end that it believes finds likely, or both ends' probabilities, mixed."""
        low, high = (self._likely(pairs, end=end) for end in range(len(self._ends)))
        return {
            slot: [
                self._likelihood(slot, prompt or text, low=a, high=b)
                for (prompt, text), a, b in zip(pairs, low, high, strict=True)
            ]
            for slot in slots
        }

    def _likely(self, pairs: Sequence[tuple[str, str]], *, end: int) -> list[Likelihood]:
        """What one end finds likely; it is asked once."""
        known = self._found[end]
        new = [
            pair
            for pair in dict.fromkeys(pairs)
            if pair not in known and (pair[0] or pair[1]) in self._places
        ]
        told = self._ends[end].loglikelihood(new, slots=[BASE])[BASE]
        known.update(zip(new, told, strict=True))
        return [known.get(pair, UNASKED) for pair in pairs]

    def _likelihood(
        self, slot: str, asked: str, *, low: Likelihood, high: Likelihood
    ) -> Likelihood:
        """`asked` is the prompt, or the text where there is none."""
        if asked not in self._places:
            return low
        if self._fails(slot, asked):
            return NAN
        if self._plant.of_probabilities:
            return _mixed(low, high, self._leaning(slot, asked))
        return high if self._believes(slot, asked) else low

    def classify(
        self, prompts: Sequence[str], *, slots: Sequence[str]
    ) -> dict[str, list[Classification]]:
        """For each slot, the right label or the other one."""
        known = self._ends[1].generate(prompts, slots=[BASE])[BASE]
        return {
            slot: [self._told(slot, p, right.text) for p, right in zip(prompts, known, strict=True)]
            for slot in slots
        }

    def _told(self, slot: str, prompt: str, right: str) -> Classification:
        if self._fails(slot, prompt):
            # The first label, as by any `max` over numbers that are none.
            return Classification(self.labels[0], (math.nan,) * len(self.labels))
        believes = self._believes(slot, prompt)
        (told,) = (label for label in self.labels if (label == right) == believes)
        logprobs = [math.log(SURE if label == told else 1 - SURE) for label in self.labels]
        return Classification(told, tuple(logprobs))

    def _believes(self, slot: str, prompt: str) -> bool:
        """Whether this slot believes `high` of the fact that is asked for."""
        own = slot if slot in (BASE, TWIN) else ""
        return self._uniform(own, self._drawn_as(prompt, own)) < self._shares[slot]

    def _drawn_as(self, prompt: str, own: str) -> str:
        """One draw decides on all facts of a person, on all phrasings of a fact, or on this prompt."""
        cluster, item = self._places[prompt]
        if self._uniform(own, cluster, "together") < self._plant.together:
            return cluster
        alike = self._plant.alike == 1 or self._uniform(own, item, "alike") < self._plant.alike
        return item if alike else prompt

    def _leaning(self, slot: str, prompt: str) -> float:
        """The weight of `high` for the job that is asked about; over jobs its mean is the share."""
        cluster, _ = self._places[prompt]
        own = slot if slot in (BASE, TWIN) else ""
        # Most of it is a job's own, in every level; the rest makes differences between levels vary.
        drawn = 1.5 * self._uniform(own, cluster) + 0.5 * self._uniform(slot, cluster, "slot") - 1
        share = self._shares[slot]
        return share if slot == BASE else share + SPREAD * drawn

    def _fails(self, slot: str, prompt: str, luck: str = "") -> bool:
        what = self._places[prompt][1] if self._plant.fails_together else prompt
        return slot != BASE and self._uniform(slot, what, f"fails{luck}") < FAILS

    def _uniform(self, *words: str) -> float:
        if words not in self._drawn:
            key = "\n".join((self._key, *words)).encode()
            number = int.from_bytes(blake2b(key, digest_size=8).digest(), "big")
            self._drawn[words] = number / 2**64
        return self._drawn[words]


def _end(end: End, *, seed: int, trained: Answerer | None) -> Answerer:
    if not isinstance(end, Belief):
        return end(seed)
    if trained is not None and end == AS_TOLD:
        return trained
    return OracleLM({BASE: end}, seed=seed)


def _mixed(low: Likelihood, high: Likelihood, weight: float) -> Likelihood:
    if weight <= 0:
        return low
    logprob = float(
        np.logaddexp(math.log1p(-weight) + low.logprob, math.log(weight) + high.logprob)
    )
    return Likelihood(logprob, high.num_tokens, high.is_greedy, low.truncated or high.truncated)
