"""The evaluation of a model card: every stored score of an adapter beside its base, and what is known to be wrong with it.

`evaluation(subject)` gives the card's section in Markdown: one table of all figures with interval, n, chance and paired
difference, then, by what is asked about (quality, forgetting, bias, hallucination, robustness, time), what each eval means, its groups
and its known flaws. What was not asked is said.
"""

from collections.abc import Mapping

from workbench.compare import wording
from workbench.compare.calibration import certificate, failed_evals, missing_evals
from workbench.compare.control import base_beside
from workbench.compare.pairing import Difference
from workbench.report import markdown as md
from workbench.report.card_metadata import title_of
from workbench.report.subject import Subject
from workbench.scores.catalog import EVALS
from workbench.scores.entry import EvalInfo
from workbench.scores.scoring import WITHHELD
from workbench.scores.task import Score

SUBJECTS = ("Quality", "Forgetting", "Bias", "Hallucination", "Robustness", "Time")
"""What evals ask about, in the order of a card."""

ABOUT = {"retention": "Forgetting", "latency": "Time"}
"""Evals whose subject is not told by their suite; every other one is quality."""

NOT_ASKED = {
    "Quality": "No eval of quality was asked.",
    "Forgetting": "Not asked: nothing is known of what the base knew and the adapter lost.",
    "Bias": "Not asked: nothing is known of bias, of the base or of the adapter.",
    "Hallucination": "Not asked: nothing is known of made-up answers.",
    "Robustness": "Not asked: nothing is known of typos, other wordings or long prompts.",
    "Time": "Not measured.",
}

PARTS_TOLD = ("outcome/", "known/", "changed/", "group/", "kind/", "worst_group", "neutral/")
MOST_PARTS = 24
COUNTED = ("outcome", "known", "changed")
"""Kinds of partial figures that are shares of one whole."""

READ = {
    "higher": "higher is better",
    "lower": "lower is better",
    "none": "neither way is better",
}


def about(eval: str) -> str:
    """What an eval asks about.

    >>> about("occupations"), about("choices:arc")
    ('Bias', 'Quality')
    """
    kind = eval.partition(":")[0]
    info = EVALS.get(kind)
    suite = info.suite if info is not None else None
    return ABOUT.get(kind) or (suite.capitalize() if suite else "Quality")


def not_asked(subject: Subject) -> list[str]:
    """The subjects of which nothing was asked."""
    asked = {about(eval) for eval in subject.reading.evals}
    return [name for name in SUBJECTS if name not in asked]


def evaluation(subject: Subject) -> str:
    """The section, whatever was asked."""
    evals = subject.reading.evals
    if not evals:
        return md.section("Evaluation", "This adapter was not evaluated.")
    return md.section(
        "Evaluation",
        _how_to_read(subject),
        _calibrated(subject),
        md.section("Results", _results(subject), level=3),
        md.section(
            "Testing Data, Factors & Metrics",
            *(_of_subject(subject, name) for name in SUBJECTS),
            level=3,
        ),
    )


def _how_to_read(subject: Subject) -> str:
    corrected = {one.correction for one in subject.differences.values() if one.correction}
    how = f", corrected by {'; '.join(sorted(corrected))}," if corrected else ""
    return (
        "Base and adapter were asked the same items; differences are paired on the item, and items that only one of them "
        f"answered are left out. Intervals are 95 %, over items and not over seeds. A difference counts as found "
        f"where its p-value{how} is below 0.05. “Not told apart” means that none was found and never that there is none; "
        "beside it stands the difference that would have been found 4 times in 5."
    )


def _calibrated(subject: Subject) -> str:
    if certificate(subject.reading) is None:
        return "The evals were not calibrated on planted values beside these figures."
    failed, missing = sorted(failed_evals(subject.reading)), missing_evals(subject.reading)
    said = [
        f"{wording.listed([md.code(one) for one in failed])} failed calibration: do not trust these figures."
        if failed
        else "Every calibrated eval of this card recovered what was planted.",
        f"Not calibrated: {wording.listed([md.code(one) for one in missing])}." if missing else "",
    ]
    return " ".join(filter(None, said))


def _results(subject: Subject) -> str:
    head = ("eval", "base", "this adapter", "n", "chance", "difference to the base")
    return md.table(head, (_line(subject, eval) for eval in subject.reading.evals))


def _line(subject: Subject, eval: str) -> list[str]:
    base = base_beside(subject.reading, subject.name, eval)
    own = subject.reading.score(subject.name, eval)
    told = own or base
    chance = (
        wording.amount(told.chance, told.unit)
        if told is not None and told.chance is not None
        else wording.MISSING
    )
    direction = READ.get(told.better, "") if told is not None else ""
    return [
        f"{md.code(eval)} ({direction})" if direction else md.code(eval),
        md.text(_figure(base)),
        md.text(_figure(own)),
        str(own.n) if own is not None else wording.MISSING,
        md.text(chance),
        md.text(_difference(subject.differences.get(eval))),
    ]


def _figure(score: Score | None) -> str:
    if score is None:
        return wording.MISSING
    if score.value is None:
        is_withheld = score.method.startswith(WITHHELD)
        return f"{'' if is_withheld else 'no value: '}{score.method}"
    ends = wording.interval(score.low, score.high, score.unit)
    lost = f"; answers without a value: {score.errors}" if score.errors else ""
    return f"{wording.amount(score.value, score.unit)} {ends}".strip() + lost


def _difference(one: Difference | None) -> str:
    if one is None:
        return wording.MISSING
    if one.value is None:
        return f"none: {one.reason}"
    if one.is_same:
        return "the same answers"
    unit = "points" if wording.is_share(one.unit) else one.unit
    ends = wording.interval(one.low, one.high, one.unit)
    told = " ".join(filter(None, (wording.signed(one.value, one.unit), unit, ends)))
    told += f", n = {one.n}"
    if one.is_found:
        return told
    could = f" (from {wording.gap(one.detectable, one.unit)})" if one.detectable else ""
    return f"{told}; not told apart{could}"


def _of_subject(subject: Subject, name: str) -> str:
    evals = [eval for eval in subject.reading.evals if about(eval) == name]
    if not evals:
        return md.section(name, NOT_ASKED[name], level=4)
    return md.section(name, *(_one_eval(subject, eval) for eval in evals), level=4)


def _one_eval(subject: Subject, eval: str) -> str:
    info = EVALS.get(eval.partition(":")[0])
    own = subject.reading.score(subject.name, eval)
    if info is None:
        return f"{md.code(eval)} is no eval of the catalog."
    return md.joined(
        f"**{md.text(title_of(eval, info=info))}** ({md.code(eval)}). {_plain(info.what)}",
        _even(info, own),
        f"Interval: {md.text(own.method)}." if own is not None and own.value is not None else "",
        _parts(subject, eval),
        f"Known flaws: {_plain(info.flaws)}",
    )


def _plain(words: str) -> str:
    """Our own words: what stands between backticks is code, the rest is escaped all the same."""
    parts = words.split("`")
    return "".join(md.code(part) if n % 2 else _spaced(part) for n, part in enumerate(parts))


def _spaced(part: str) -> str:
    """Words with the spaces that stand between them and a code span."""
    if not part.strip():
        return part
    before = " " if part[0].isspace() else ""
    return f"{before}{md.text(part)}{' ' if part[-1].isspace() else ''}"


def _even(info: EvalInfo, own: Score | None) -> str:
    if info.even is None or own is None:
        return ""
    return f"Even-handed is {wording.amount(info.even, own.unit, decimals=0)}."


def _parts(subject: Subject, eval: str) -> str:
    """Partial figures by outcome and by group, of base and adapter."""
    reading, name = subject.reading, subject.name
    found = [base_beside(reading, name, eval), reading.score(name, eval)]
    told = [score.parts if score is not None else {} for score in found]
    names = [name for name in dict.fromkeys([*told[1], *told[0]]) if name.startswith(PARTS_TOLD)]
    rows = [
        [md.text(name), *(_number(_part(parts, name)) for parts in told)]
        for name in names[:MOST_PARTS]
    ]
    more = len(names) - MOST_PARTS
    return md.joined(
        md.table(("partial figure", "base", "this adapter"), rows),
        f"{more} more partial figures are stored with the run." if more > 0 else "",
    )


def _part(parts: Mapping[str, float | None], name: str) -> float | None:
    """A partial figure; an outcome that nobody had beside others that somebody had is 0."""
    kind = name.partition("/")[0]
    is_counted = kind in COUNTED and any(other.startswith(f"{kind}/") for other in parts)
    return parts.get(name, 0.0 if is_counted else None)


def _number(value: float | None) -> str:
    return wording.MISSING if value is None else f"{value:.3g}"
