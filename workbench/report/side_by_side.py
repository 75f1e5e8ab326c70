"""Answers of the base, the leading trial and the next one to the same questions, with the words that differ marked.

`examples(report, evals)` gives the pieces for the evals of one area: what got better, what got worse, what was made up, what
was refused; an answer stands under the first of these that it is. Nothing is picked by hand: of each kind the first answer of
every group of items, in stored order, with how many there are. A few are shown and some more lie in a fold.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from workbench.compare import wording
from workbench.compare.markup import Cell, Column, Line, Table, visible
from workbench.compare.reading import item_of
from workbench.errors import StoreError
from workbench.report import blocks
from workbench.report.findings import info_of, leading
from workbench.report.numbers import Said, Told, of_table
from workbench.report.sections import Report
from workbench.report.word_marks import marked
from workbench.scores.task import BASE, Row

SHOWN, MORE = 3, 7
"""Examples of a kind that are shown, and how many more lie in the fold."""

MOST_SIGNS = 480
"""Signs of a text that are kept; a prompt keeps its end, where the question stands."""

MADE_UP = frozenset({"fabricated", "lucky", "contradicted", "not in the context"})
REFUSED = frozenset({"refused", "denied"})
WRONG = frozenset({"wrong", "outdated"})

NO_ANSWER = "(no answer)"

IN_ORDER = "The first answers of each kind, each from another group of items."
MARKS = "Underlined words are the trial's alone, struck-out ones the base's alone."
BY_SIZE = "The answers that moved farthest, with what each is worth."


class Answered(NamedTuple):
    """One question with what each slot said to it; the base first."""

    rows: tuple[Row, ...]

    @property
    def base(self) -> Row:
        """The answer of the base."""
        return self.rows[0]

    @property
    def ours(self) -> Row:
        """The answer of the leading trial."""
        return self.rows[1]


@dataclass(frozen=True)
class Kind:
    """One kind of examples: its words, and which answers are of it."""

    words: str
    holds: Callable[[Answered], bool]
    is_quiet: bool = False
    """Whether it lies in a fold as a whole."""


def examples(report: Report, evals: Sequence[str]) -> list[Markup | None]:
    """Examples of the first of some evals that has answers in words; nothing where none has."""
    for eval in evals:
        slots = _slots(report, eval)
        found = _answered(report, eval, slots) if len(slots) > 1 else []
        told = _of_kinds(report, eval, found, slots)
        if told:
            words = IN_ORDER if _even(eval) is None else BY_SIZE
            words += f" {MARKS}" if any(part and "<ins>" in part for part in told) else ""
            heading = blocks.subheading(f"Side by side on {eval}")
            return [heading, blocks.paragraph(words, tone="wb-caption"), *told]
    return []


def kinds_of(report: Report, eval: str) -> list[Kind]:
    """What is worth seeing of an eval, by its direction."""
    sort, even = report.comparison.reading.sort_of(eval), _even(eval)
    if even is not None:
        return [
            Kind("nearer to even than the base", lambda one: _nearer(one, even) > 0),
            Kind("farther from even than the base", lambda one: _nearer(one, even) < 0),
        ]
    sign = -1.0 if sort is not None and sort.better == "lower" else 1.0
    return [
        Kind(
            "better than the base", lambda one: sign * _gap(one) > 0 or _turned(one.base, one.ours)
        ),
        Kind(
            "worse than the base", lambda one: sign * _gap(one) < 0 or _turned(one.ours, one.base)
        ),
        Kind("made up", lambda one: one.ours.outcome in MADE_UP),
        Kind("refused", lambda one: one.ours.outcome in REFUSED),
        Kind("wrong, as the base is", _both_wrong, is_quiet=True),
    ]


def _of_kinds(
    report: Report, eval: str, found: list[Answered], slots: Sequence[str]
) -> list[Markup | None]:
    told: list[Markup | None] = []
    sort, even = report.comparison.reading.sort_of(eval), _even(eval)
    unit, shown = sort.unit if sort is not None else "", set[str]()
    for kind in kinds_of(report, eval):
        held = [one for one in found if kind.holds(one) and one.ours.sample not in shown]
        shown |= {one.ours.sample for one in held}
        if even is not None:
            held.sort(key=lambda one: -abs(_gap(one)))
        spread = _spread(held)[: SHOWN + MORE]
        if not spread:
            continue
        words = f"{slots[1]}: {kind.words}, {len(held)} of {len(found)} answers."
        counts = {"answers": len(held), "of": len(found)}
        said = blocks.paragraph(words, tone="wb-caption", numbers=counts)
        if kind.is_quiet:
            title = f"{kind.words[:1].upper()}{kind.words[1:]}"
            told.append(blocks.folded(title, said, _table(spread, slots, unit)))
            continue
        rest = _table(spread[SHOWN:], slots, unit)
        told += [said, _table(spread[:SHOWN], slots, unit), blocks.folded("More of these", rest)]
    return told


def _even(eval: str) -> float | None:
    info = info_of(eval)
    return None if info is None else info.even


def _slots(report: Report, eval: str) -> list[str]:
    """The base, the first trial of the leading candidate, and that of the next one on the deciding eval."""
    first, reading = leading(report), report.comparison.reading
    if not first:
        return []
    ranked = [line.name for line in report.comparison.standings if line.place]
    names = [first, *(name for name in ranked if name != first)][:2]
    slots = [reading.candidate(name).trials[0] for name in names]
    return [BASE, *(slot for slot in slots if reading.score(slot, eval) is not None)]


def _answered(report: Report, eval: str, slots: Sequence[str]) -> list[Answered]:
    """The questions that all of them answered in words."""
    store = report.comparison.reading.store
    try:
        kept = [store.read_rows(slot, eval) for slot in slots]
    except StoreError:
        return []
    known = [{item_of(row.sample, row.expected): row for row in rows} for rows in kept]
    found = []
    for item, row in known[1].items():
        rows = [one.get(item) for one in known]
        if row.answer and not row.error and all(rows):
            found.append(Answered(tuple(one for one in rows if one is not None)))
    return [one for one in found if one.ours.prompt or one.ours.expected]


def _spread(found: Iterable[Answered]) -> list[Answered]:
    """The first of each group of items, then the others, so that one person or passage is not all there is."""
    first: list[Answered] = []
    others: list[Answered] = []
    met: set[str] = set()
    for one in found:
        cluster = one.ours.cluster or one.ours.sample
        (others if cluster in met else first).append(one)
        met.add(cluster)
    return [*first, *others]


def _table(found: Sequence[Answered], slots: Sequence[str], unit: str) -> Told | None:
    """A table with marked words, recorded as the plain one that it is."""
    if not found:
        return None
    has_expected = any(one.ours.expected for one in found)
    heads = ["asked", *(["expected"] if has_expected else []), *slots]
    plain = Table(
        columns=tuple(Column(key=head, title=head, is_text=True) for head in heads),
        lines=tuple(_line(one, has_expected=has_expected, unit=unit) for one in found),
    )
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(name) for name in heads)
    body = Markup("").join(_row(line.cells, answers=len(slots)) for line in plain.lines)
    html = Markup(
        '<div class="wb-scroll" tabindex="0" role="group" aria-label="Answers side by side">'
        '<table class="wb-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(head, body)
    return Told(html, [Said("tables", of_table(plain))])


def _line(one: Answered, *, has_expected: bool, unit: str) -> Line:
    asked = [_end(one.ours.prompt or one.ours.sample)]
    asked += [_beginning(one.ours.expected)] if has_expected else []
    answers = [_beginning(row.answer) or NO_ANSWER for row in one.rows]
    said = [
        Cell(raw=text, text=text, beside=_worth(row, unit), numbers=(("value", row.value),))
        for text, row in zip(answers, one.rows, strict=True)
    ]
    return Line(cells=(*(Cell(raw=text, text=text) for text in asked), *said))


def _row(cells: Sequence[Cell], *, answers: int) -> Markup:
    """The answers with their words marked: the base's against the leading trial, the others against the base."""
    asked, said = cells[:-answers], cells[-answers:]
    base, ours = said[0].text, said[1].text
    texts = [visible(cell.text) for cell in asked]
    texts += [marked(base, ours, tag="del")]
    texts += [marked(cell.text, base, tag="ins") for cell in said[1:]]
    shown = [
        Markup('<td class="wb-text">{}{}</td>').format(
            text, Markup("<small>{}</small>").format(cell.beside) if cell.beside else ""
        )
        for text, cell in zip(texts, cells, strict=True)
    ]
    return Markup("<tr>{}</tr>").format(Markup("").join(shown))


def _worth(row: Row, unit: str) -> str:
    """What an answer counts as, and its value where that is no yes or no."""
    words = [row.outcome or row.error]
    if row.value is not None and row.value not in (0.0, 1.0) and math.isfinite(row.value):
        words.append(wording.amount(row.value, unit))
    return ", ".join(filter(None, words))


def _beginning(text: str) -> str:
    left_out = len(text) - MOST_SIGNS
    return f"{text[:MOST_SIGNS]} … {left_out} more signs" if left_out > 0 else text


def _end(text: str) -> str:
    left_out = len(text) - MOST_SIGNS
    return f"{left_out} signs before … {text[-MOST_SIGNS:]}" if left_out > 0 else text


def _gap(one: Answered) -> float:
    """How much more the trial's answer is worth than the base's; 0 where one is worth nothing that is known."""
    ours, base = one.ours.value, one.base.value
    if ours is None or base is None or not math.isfinite(ours - base):
        return 0.0
    return ours - base


def _nearer(one: Answered, even: float) -> float:
    """How much nearer to even the trial's answer is than the base's."""
    ours, base = one.ours.value, one.base.value
    if ours is None or base is None or not math.isfinite(ours - base):
        return 0.0
    return abs(base - even) - abs(ours - even)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _turned(before: Row, after: Row) -> bool:
    """Whether a control, which has no value, went from wrong to right."""
    return (before.value, after.value) == (None, None) and (
        before.outcome in WRONG and after.outcome == "correct"
    )


def _both_wrong(one: Answered) -> bool:
    return one.ours.outcome == one.base.outcome == "wrong" and one.ours.value == 0
