"""What speaks against believing a comparison, each with a code: WB001 one seed, WB002 one learning rate, and so on.

`caveats(reading, ...)` runs the checks in the order of their codes. A caveat never changes a figure; it says what
the figures cannot. `CODES` is the whole list, for documentation and for gates.
"""

from pydantic import BaseModel, ConfigDict

from workbench.compare import wording
from workbench.compare.bases import several_bases
from workbench.compare.calibration import FILE, certificate, failed_evals, kind_of, missing_evals
from workbench.compare.control import several_sets
from workbench.compare.even import amplified, withheld
from workbench.compare.family import corrected
from workbench.compare.joined import warm
from workbench.compare.outcomes import GIVEN_UP
from workbench.compare.pairing import Difference, difference
from workbench.compare.reading import Candidate, Reading
from workbench.compare.seeds import apart, order_of_seeds
from workbench.scores.task import BASE

ALWAYS_DEARER = frozenset({"latency"})
"""Evals on which any unmerged adapter is worse than its base; that is no news."""

MOST_TOLD = 3
"""Trials, or evals, that are told in full in one sentence."""

TWICE = 2.0
"""An interval over items and seeds this many times as wide as the one over items is said."""

MANY_CLUSTERS = 30
"""Below so many independent groups of items an interval is rough."""

ENDS = {
    "failed": "failed",
    "stopped": "stopped",
    "pruned": "pruned",
    "dropped": "dropped by a person",
}
"""How a trial ends that is not trained to its end."""

CODES = {
    "WB001": "one seed",
    "WB002": "ranks compared at one learning rate only",
    "WB003": "items not answered by both",
    "WB004": "test items in the training data",
    "WB005": "chance inside the interval",
    "WB006": "trials that failed, were stopped, pruned or dropped",
    "WB007": "answers that could not be scored",
    "WB008": "not told apart from the base",
    "WB009": "few independent items",
    "WB010": "the order changes with the seed",
    "WB011": "trials without a figure",
    "WB012": "worse than the base on another eval",
    "WB013": "the seeds differ by more than the interval tells",
    "WB014": "an eval that failed its calibration",
    "WB015": "not calibrated here",
    "WB016": "a figure that is withheld",
    "WB017": "bias amplified by training",
    "WB018": "several base models",
    "WB019": "trials that began with another's weights",
    "WB020": "several sets of data",
}
"""Every code, and what it means in short."""


class Caveat(BaseModel):
    """One reason for care."""

    model_config = ConfigDict(frozen=True)

    code: str
    sentence: str


def caveats(
    reading: Reading, *, primary: str, ranked: list[Candidate], contests: list[Difference]
) -> list[Caveat]:
    """Everything that applies, in the order of the codes."""
    said: dict[str, str] = {}
    if ranked:
        said["WB001"] = _one_seed(reading, ranked)
        said["WB002"] = _one_learning_rate(reading, ranked)
        said["WB003"] = _left_out(ranked, contests)
        said["WB005"] = _chance(reading, ranked[0], primary)
        said["WB007"] = _unscored(reading, primary)
        said["WB008"] = _like_the_base(reading, ranked, primary)
        said["WB009"] = _few_clusters(reading, ranked[0], primary)
        said["WB010"] = _unsteady(reading, ranked, primary)
        said["WB012"] = _paid_for(reading, ranked, primary)
        said["WB013"] = _wider_than_items(reading, ranked, contests)
        said["WB017"] = amplified(reading, ranked)
    said["WB004"] = _leak(reading)
    said["WB006"] = _not_finished(reading)
    said["WB011"] = _without_figure(reading, primary, ranked)
    said["WB014"] = _failed_calibration(reading)
    said["WB015"] = _not_calibrated(reading)
    said["WB016"] = withheld(reading)
    said["WB018"] = several_bases(reading)
    said["WB019"] = _warm(reading, ranked)
    said["WB020"] = several_sets(reading)
    return [Caveat(code=code, sentence=said[code]) for code in CODES if said.get(code)]


def _one_seed(reading: Reading, ranked: list[Candidate]) -> str:
    if reading.made_elsewhere:
        return (
            "Their seeds are unknown: the intervals cover other items, not other seeds; another training of "
            "the same adapters could change the order."
        )
    if max(len(one.seeds) for one in ranked) > 1:
        return ""
    return "One seed: the intervals cover other items, not other seeds; another seed could change the order."


def _one_learning_rate(reading: Reading, ranked: list[Candidate]) -> str:
    ranks = {_field(reading, one, "adapter.r") for one in ranked}
    rates = {_field(reading, one, "train.learning_rate") for one in ranked}
    if len(ranks) < 2 or len(rates) > 1 or reading.made_elsewhere:
        return ""
    (rate,) = rates
    return f"The ranks were compared at one learning rate only ({rate:g}); each rank may have a better one of its own."


def _field(reading: Reading, one: Candidate, dotted: str) -> float:
    part, field = dotted.split(".")
    spec = next(trial.spec for trial in reading.trials if trial.name == one.trials[0])
    return float(getattr(getattr(spec, part), field))


def _left_out(ranked: list[Candidate], contests: list[Difference]) -> str:
    mine = [one for one in contests if ranked[0].name == one.of]
    refused = [one for one in mine if one.reason.startswith("not paired")]
    partial = [one for one in mine if one.left_out and one not in refused]
    words = []
    if refused:
        names = wording.listed([one.against for one in refused])
        words.append(f"{ranked[0].name} was not compared with {names}: {refused[0].reason}.")
    if partial:
        most = max(partial, key=lambda one: one.left_out)
        words.append(
            f"Up to {most.left_out} items were answered by only one of two trials and left out of the difference."
        )
    return " ".join(words)


def _leak(reading: Reading) -> str:
    said = []
    rows = sum(int(card.get("held_out_leaks") or 0) for card in reading.data_cards)
    if rows:
        said.append(f"{rows} held-out rows")
    said += [f"{n} items of {name}" for name, n in reading.eval_leaks.items() if n]
    if not said:
        return ""
    return (
        f"{wording.listed(said)} also stand in the training data; "
        "figures on them show memory, not learning."
    )


def _chance(reading: Reading, best: Candidate, primary: str) -> str:
    scores = [reading.score(trial, primary) for trial in best.trials]
    score = next((one for one in scores if one is not None), None)
    if score is None or score.chance is None or score.low is None or score.high is None:
        return ""
    if not score.low <= score.chance <= score.high:
        return ""
    shown = wording.amount(score.chance, score.unit)
    return f"Chance ({shown}) lies inside the interval of {best.name}: it is not shown to be above chance."


def _not_finished(reading: Reading) -> str:
    words = []
    for state, verb in ENDS.items():
        ends = {name: end for name, end in reading.outcomes.items() if end.state == state}
        if not ends:
            continue
        who = (
            wording.listed(list(ends))
            if state not in GIVEN_UP or len(ends) <= MOST_TOLD
            else f"{len(ends)} trials"
        )
        were = "" if state == "failed" else "was " if len(ends) == 1 else "were "
        at = f" {_at_steps([end.steps for end in ends.values()])}" if state in GIVEN_UP else ""
        words.append(f"{who} {were}{verb}{at}")
    if not words:
        return ""
    shown = "What was not trained to its end is shown, with its reason."
    return " ".join(filter(None, (f"{'; '.join(words)}. {shown}", _pruned_seeds(reading))))


def _at_steps(steps: list[int]) -> str:
    """Where some trials ended.

    >>> _at_steps([40]), _at_steps([60, 40]), _at_steps([40, 40])
    ('at step 40', 'at steps 40 and 60', 'at step 40')
    """
    told = sorted(set(steps))
    if len(told) == 1:
        return f"at step {told[0]:,}"
    if len(told) > MOST_TOLD:
        return f"at steps {told[0]:,} to {told[-1]:,}"
    return f"at steps {wording.listed([f'{step:,}' for step in told])}"


def _pruned_seeds(reading: Reading) -> str:
    """Candidates whose figure is of the seeds that were left, most often the better ones."""
    names = []
    for one in reading.candidates:
        states = [reading.outcomes[trial].state for trial in one.trials]
        if any(s in GIVEN_UP for s in states) and not all(s in GIVEN_UP for s in states):
            names.append(one.name)
    if not names:
        return ""
    its = "its" if len(names) == 1 else "their"
    return f"The figures of {wording.listed(names)} are of {its} other seeds only, picked by how they trained."


def _warm(reading: Reading, ranked: list[Candidate]) -> str:
    """Ranked trials that have trained more than their own steps."""
    began = warm(reading.trials)
    told = {one.name: began[one.trials[0]] for one in ranked if one.trials[0] in began}
    if not told:
        return ""
    words = [f"{name} with the weights of {of}" for name, of in list(told.items())[:MOST_TOLD]]
    more = f", and {len(told) - MOST_TOLD} more with those of others" * (len(told) > MOST_TOLD)
    it = "it" if len(told) == 1 else "them"
    return (
        f"Not all began anew: {wording.listed(words)}{more}. The steps before that count for {it} too, and a person "
        f"who could see the curves chose {it}."
    )


def _unscored(reading: Reading, primary: str) -> str:
    found = [s for (slot, eval), s in reading.scores.items() if eval == primary and slot != BASE]
    errors, cut = sum(one.errors for one in found), sum(one.truncated for one in found)
    words = []
    if errors:
        words.append(f"{errors} answers could not be scored and count as no value")
    if cut:
        words.append(f"{cut} were cut at a length limit")
    return f"On {primary}, {' and '.join(words)}." if words else ""


def _like_the_base(reading: Reading, ranked: list[Candidate], primary: str) -> str:
    against = [difference(reading, one.name, BASE, eval=primary) for one in ranked]
    found = corrected(reading, against)[0]
    if found.p is None or (found.is_found and (found.gain is None or found.gain > 0)):
        return ""
    if found.is_found:
        return f"{ranked[0].name} is worse than the base on {primary}."
    if found.is_same:
        return f"{ranked[0].name} gives the same answers as the base on {primary}."
    words = f"{ranked[0].name} cannot be told apart from the base on {primary}"
    if found.detectable is None:
        return f"{words}."
    return f"{words}; a difference of {wording.gap(found.detectable, found.unit)} could have been seen."


def _few_clusters(reading: Reading, best: Candidate, primary: str) -> str:
    score = reading.score(best.trials[0], primary)
    if score is None or score.clusters >= MANY_CLUSTERS:
        return ""
    return (
        f"Only {score.clusters} independent groups of items: the intervals on {primary} are rough."
    )


def _unsteady(reading: Reading, ranked: list[Candidate], primary: str) -> str:
    kept = order_of_seeds(reading, ranked, primary=primary)
    if kept is None or kept[0] == kept[1]:
        return ""
    return f"{ranked[0].name} is ahead of {ranked[1].name} in {kept[0]} of {kept[1]} seeds only."


def _wider_than_items(reading: Reading, ranked: list[Candidate], contests: list[Difference]) -> str:
    """The lead over the runner-up, where other seeds could change it by more than the interval over items tells."""
    names = [one.name for one in ranked[:2]]
    one = next((one for one in contests if [one.of, one.against] == names), None)
    if one is None or one.value is None or one.low is None or one.high is None:
        return ""
    both = apart(reading, one.of, one.against, eval=one.eval)
    if both is None or both.low is None or both.high is None or both.seed_share is None:
        return ""
    is_lost = both.low <= 0 <= both.high and not one.low <= 0 <= one.high
    if both.high - both.low < TWICE * (one.high - one.low) and not is_lost:
        return ""
    decimals = wording.decimals_beside(one.value, one.unit)
    ends, wider = (
        wording.interval(*wording.as_size(one.value, low, high), one.unit, decimals=decimals)
        for low, high in ((one.low, one.high), (both.low, both.high))
    )
    return (
        f"Between {one.of} and {one.against} the seeds differ by more than {ends} tells, which covers other items: over "
        f"items and {both.seeds} seeds it is {wider}"
        + (", so that other seeds could turn the order." if is_lost else ".")
    )


def losses(reading: Reading, ranked: list[Candidate], primary: str) -> list[Difference]:
    """Where ranked trials were found worse than the base on another eval: forgetting, above all."""

    def work_out() -> list[Difference]:
        asked = [
            difference(reading, one.name, BASE, eval=eval)
            for one in ranked
            for eval in _other_evals(reading, primary)
        ]
        found = corrected(reading, asked)
        return [one for one in found if one.is_found and one.gain is not None and one.gain < 0]

    lost: list[Difference] = reading.once(("losses", primary), work_out)
    return lost


def _paid_for(reading: Reading, ranked: list[Candidate], primary: str) -> str:
    """What any ranked trial lost where the base was better."""
    lost = losses(reading, ranked, primary)
    names = list(dict.fromkeys(one.of for one in lost))
    words = [
        f"{name} is worse than the base on {wording.listed([_lost(one) for one in lost if one.of == name])}"
        for name in names[:MOST_TOLD]
    ]
    if more := names[MOST_TOLD:]:
        evals = list(dict.fromkeys(one.eval for one in lost if one.of in more))
        verb = "other is" if len(more) == 1 else "others are"
        words.append(f"{len(more)} {verb} worse on {wording.listed(evals)}")
    return f"{'; '.join(words)}." if words else ""


def _lost(one: Difference) -> str:
    decimals = wording.decimals_beside(one.value, one.unit)
    ends = wording.as_size(one.value, one.low, one.high)
    size = wording.gap(one.value, one.unit, decimals=decimals)
    shown = wording.interval(*ends, one.unit, decimals=decimals)
    return f"{one.eval} by {size} {shown}".strip()


def differ_elsewhere(reading: Reading, ranked: list[Candidate], *, primary: str) -> str:
    """Of trials that are level on the primary eval: where the first differs from others; empty where it does nowhere."""
    first, *others = [one.name for one in ranked]
    asked = [
        difference(reading, name, first, eval=eval)
        for eval in _other_evals(reading, primary)
        for name in others
    ]
    found = [one for one in corrected(reading, asked) if one.is_found and one.value is not None]
    words = []
    for eval in dict.fromkeys(one.eval for one in found):
        most = max((one for one in found if one.eval == eval), key=lambda one: abs(one.value or 0))
        way = "lower" if (most.value or 0) < 0 else "higher"
        decimals = wording.decimals_beside(most.value, most.unit)
        size = wording.gap(most.value, most.unit, decimals=decimals)
        than = f" than {first}" if len(others) > 1 else ""
        words.append(f"{eval}: {most.of} is {size} {way}{than}")
    more = f"; and on {len(words) - MOST_TOLD} more" if len(words) > MOST_TOLD else ""
    return f"They differ on {'; on '.join(words[:MOST_TOLD])}{more}." if words else ""


def _other_evals(reading: Reading, primary: str) -> list[str]:
    return [eval for eval in reading.evals if eval != primary and eval not in ALWAYS_DEARER]


def _without_figure(reading: Reading, primary: str, ranked: list[Candidate]) -> str:
    never = {name for name, end in reading.outcomes.items() if end.state in ("failed", *GIVEN_UP)}
    missing = [
        one.name for one in reading.candidates if one not in ranked and not never & set(one.trials)
    ]
    if not missing:
        return ""
    about = f" on {primary}" if primary else ""
    return (
        f"{wording.listed(missing)} {'has' if len(missing) == 1 else 'have'} no figure{about} yet."
    )


def _failed_calibration(reading: Reading) -> str:
    failed = sorted(failed_evals(reading))
    if not failed:
        return ""
    return (
        f"{wording.listed(failed)} did not recover what was planted when calibrated: "
        f"{'its' if len(failed) == 1 else 'their'} figures cannot be trusted."
    )


def _not_calibrated(reading: Reading) -> str:
    if not reading.evals:
        return ""
    found = certificate(reading)
    if found is None:
        return f"Not calibrated here: the sweep has no {FILE}, which “workbench calibrate --out” writes."
    missing = [eval for eval in missing_evals(reading) if kind_of(eval) not in found.left_out]
    return f"Not calibrated here: {wording.listed(missing)}." if missing else ""
