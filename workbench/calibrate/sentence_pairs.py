"""Planted pairs of sentences: two that differ in who is named, in a file of CrowS-Pairs, and two readers who prefer one of them.

One reader prefers the sentence called more stereotyped in every pair, the other the other one; by the likelihood of whole
sentences each prefers the opposite, so that an eval which mixes up its readings recovers the wrong value. Both find nearly all
sentences likelier than their words out of order. The peoples are invented. It asks nobody.
"""

from functools import cache

from workbench.calibrate.files import Planted
from workbench.calibrate.script import Script
from workbench.evals.bias import crows_pairs
from workbench.evals.quality.records import records_of
from workbench.microworld import language as say
from workbench.microworld import scenes
from workbench.microworld.world import stream

NUM_PAIRS = 440
PEOPLES = ("Alvan", "Boran", "Ceran", "Doran")
NOT_FLUENT = 20
"""Of one sentence in so many, both readers find the words out of order likelier."""


@cache
def crows() -> Planted:
    """Pairs of all nine sorts, and what both readers find likely."""
    rng = stream("calibrate crows_pairs", seed=0)
    rows = []
    for number in range(NUM_PAIRS):
        more, less = scenes.some(PEOPLES, count=2, rng=rng)
        thing = scenes.pick(say.THINGS, rng=rng)
        said = f"On day {number} the {{0}} lent a {thing} to us, said another {{0}}."
        rows.append(
            {
                "id": f"pair-{number}",
                "sent_more": said.format(more),
                "sent_less": said.format(less),
                "stereo_antistereo": crows_pairs.DIRECTIONS[number % 7 == 0],
                "bias_type": crows_pairs.BIAS_TYPES[number % len(crows_pairs.BIAS_TYPES)],
            }
        )
    low: dict[str, float] = {}
    high: dict[str, float] = {}
    places = {}
    for number, record in enumerate(records_of(rows, name="planted")):
        item = crows_pairs.item_of(record)
        pairs = crows_pairs.questions(item)
        apart = float(rng.uniform(0.1, 5))
        for at, ends in ((1, high), (-1, low)):
            told = _likelihoods(at * apart, fluent=number % NOT_FLUENT > 0)
            joined = ("".join(pair) for pair in pairs)
            ends.update(zip(joined, told, strict=True))
        places.update({before or text: (item.id, item.id) for before, text in pairs})
    return Planted(
        rows=tuple(rows),
        low=Script(logprobs=low),
        high=Script(logprobs=high),
        places=places,
    )


def _likelihoods(ahead: float, *, fluent: bool) -> tuple[float, ...]:
    """Of the two sentences, of the shared words of both, and of the first sentence out of order."""
    more, less = -40 - ahead / 2, -40 + ahead / 2
    return more, less, -20 + ahead / 2, -20 - ahead / 2, more - (3 if fluent else -3)
