"""Asks the sentences of Winogender: whom a pronoun means, in sentences of which only the pronoun's gender differs.

The file is `all_sentences.tsv` as its authors wrote it: a `sentid`, such as `nurse.patient.1.female.txt`, says the occupation,
the other person, who is meant (0 or 1) and the pronoun. One item is one template with all its pronouns. Where
`occupations-stats.tsv` lies beside it, an occupation has the gender of most who hold it. It scores nothing.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from workbench.errors import DataError, nearest
from workbench.evals import rounds
from workbench.evals.bias import pronouns
from workbench.evals.context import EvalContext, Progress
from workbench.evals.quality.records import Record, read_records, text_of
from workbench.scores.bias.winogender import EVEN_PERCENT, NAMES
from workbench.scores.task import Answerer, Item, Likelihood

STATISTICS = "occupations-stats.tsv"
PERCENT = "bls_pct_female"
MALE, FEMALE, NEUTRAL = NAMES


def ask_winogender(
    answerer: Answerer,
    *,
    path: Path,
    slots: Sequence[str],
    context: EvalContext,
    progress: Progress,
) -> rounds.Rows:
    """Both people after every sentence of every template."""
    return rounds.ask_pairs(
        answerer,
        context.chosen(read_items(path)),
        pronouns.questions,
        partial(_judge, percent=read_percent(path)),
        slots=slots,
        progress=progress,
    )


def read_items(path: Path) -> list[Item]:
    """The templates of a file; the sentences of an item are with `he`, `she` and, where there is one, `they`."""
    percent = read_percent(path)
    templates: dict[str, dict[str, tuple[Record, str]]] = defaultdict(dict)
    for record in read_records(path):
        template, gender = _named(record)
        if gender in templates[template]:
            raise DataError(f"{record.where}: {template!r} has a sentence that is {gender} already")
        templates[template][gender] = record, text_of(record, "sentence").strip()
    return [_item(name, found, percent=percent) for name, found in templates.items()]


def read_percent(path: Path) -> dict[str, float]:
    """Of a hundred who hold an occupation, the women; empty where no statistics lie beside the sentences."""
    beside = path.with_name(STATISTICS)
    if not beside.is_file():
        return {}
    found = {}
    for record in read_records(beside):
        told = text_of(record, PERCENT)
        try:
            percent = float(told)
        except ValueError:
            percent = -1.0
        if not 0 <= percent <= 100:
            raise DataError(
                f"{record.where}: {PERCENT!r} is {told!r}; a number from 0 to 100 is needed"
            )
        found[text_of(record, "occupation").strip()] = percent
    return found


def _named(record: Record) -> tuple[str, str]:
    """The template and the gender that an id names."""
    sentid = text_of(record, "sentid").strip()
    parts = sentid.removesuffix(".txt").split(".")
    if len(parts) != 4 or not all(parts) or parts[2] not in ("0", "1") or parts[3] not in NAMES:
        raise DataError(
            f"{record.where}: 'sentid' is {sentid!r}; occupation.participant.answer.gender.txt is needed, with the "
            f"answer 0 or 1 and the gender {', '.join(NAMES)}"
        )
    return ".".join(parts[:3]), parts[3]


def _item(
    name: str, found: Mapping[str, tuple[Record, str]], *, percent: Mapping[str, float]
) -> Item:
    where = next(iter(found.values()))[0].where
    for gender in (MALE, FEMALE):
        if gender not in found:
            raise DataError(
                f"{where}: {name!r} has no sentence that is {gender}, so that nothing can be paired"
            )
    sentences = [found[gender][1] for gender in NAMES if gender in found]
    occupation, participant, answer = name.split(".")
    if percent and occupation not in percent:
        raise DataError(
            f"{where}: the occupation {occupation!r} is not in {STATISTICS!r}. {nearest(occupation, percent)}"
        )
    people = (occupation, participant)
    return Item(
        id=name,
        prompt="\n".join(_marked(sentences, where=where)),
        expected=people[int(answer)],
        choices=people,
        gold=int(answer),
        cluster=occupation,
        group=_majority(percent[occupation]) if percent else "",
        kind="someone" if participant == "someone" else "participant",
    )


def _marked(sentences: Sequence[str], *, where: str) -> list[str]:
    """Sentences that differ in their pronoun only, with the pronoun in brackets."""
    words = [sentence.split(" ") for sentence in sentences]
    differ = [place for place, some in enumerate(zip(*words, strict=False)) if some[0] != some[1]]
    if len({*map(len, words)}) > 1 or len(differ) != 1:
        raise DataError(
            f"{where}: the sentences of a template differ in their pronoun only; these differ otherwise"
        )
    (place,) = differ
    bare = [some[place].rstrip(".,;:!?") for some in words]
    genders = [pronouns.PRONOUNS.get(one.lower()) for one in bare[:2]]
    if genders != [MALE, FEMALE]:
        raise DataError(
            f"{where}: the sentences differ in {bare[:2]!r}; pronouns of a man and of a woman are needed"
        )
    return [
        " ".join([*some[:place], some[place].replace(one, f"[{one}]", 1), *some[place + 1 :]])
        for some, one in zip(words, bare, strict=True)
    ]


def _majority(percent: float) -> str:
    return FEMALE if percent >= EVEN_PERCENT else MALE


def _judge(
    item: Item, found: Sequence[Likelihood], *, percent: Mapping[str, float]
) -> rounds.Verdict:
    told = pronouns.Told.of(item, found)
    kept: dict[str, float] = {**told.fluency, "gold": item.gold or 0}
    if any(one != one for one in told.first):
        return rounds.Verdict(error="impossible: neither person has any probability", detail=kept)
    kept |= dict(zip(NAMES, told.first, strict=False))
    if percent:
        kept["percent"] = percent[item.cluster]
    if told.is_tied:
        return rounds.Verdict(error="tie", detail=kept)
    gap = kept[MALE] - kept[FEMALE]
    if item.group == FEMALE:
        gap = -gap
    outcome = "with the majority" if gap > 0 else "against it" if gap < 0 else "neither"
    return rounds.Verdict(value=gap, outcome=outcome, detail=kept)
