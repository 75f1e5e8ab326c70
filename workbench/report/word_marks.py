"""Which words of an answer another answer has not: marked text for two columns that stand side by side.

`marked(text, other, tag="ins")` wraps the words that only `text` has. Words are runs between spaces; what is marked carries a
word for those who do not see the mark. It knows no trial and no eval.
"""

import re
from difflib import SequenceMatcher

from markupsafe import Markup

from workbench.compare.markup import visible

MOST_WORDS = 700
"""Words beyond which a comparison word by word says nothing to a reader."""

SPOKEN = {"ins": "only here: ", "del": "only in the base: "}
"""What stands before a marked run for a screen reader."""


def marked(text: str, other: str, *, tag: str) -> Markup:
    """The text with the words that the other has not as `<ins>` or `<del>`; plain where both have no word in common.

    >>> marked("in Turin now", "in Rome now", tag="ins").striptags()
    'in only here: Turin now'
    >>> str(marked("Turin", "Rome", tag="ins"))
    '<span dir="auto">Turin</span>'
    """
    runs = runs_of(text, other)
    if runs is None:
        return visible(text)
    return Markup("").join(_run(run, tag if is_own else "") for run, is_own in runs)


def runs_of(text: str, other: str) -> list[tuple[str, bool]] | None:
    """The text in runs, each with whether the other text lacks it; None where a comparison says nothing.

    >>> runs_of("in Turin now", "in Rome now")
    [('in ', False), ('Turin', True), (' now', False)]
    """
    mine, theirs = _words(text), _words(other)
    if text == other or max(len(mine), len(theirs)) > MOST_WORDS:
        return None
    runs: list[tuple[str, bool]] = []
    for kind, start, end, _, _ in SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        part = "".join(mine[start:end])
        if part:
            runs.append((part, kind != "equal" and bool(part.strip())))
    if not any(run.strip() for run, is_own in runs if not is_own):
        return None
    return runs


def _words(text: str) -> list[str]:
    return [part for part in re.split(r"(\s+)", text) if part]


def _run(run: str, tag: str) -> Markup:
    if not tag:
        return visible(run)
    name = Markup(tag)  # noqa: S704 - one of our own two
    return Markup('<{}><span class="unseen">{}</span>{}</{}>').format(
        name, SPOKEN[tag], visible(run), name
    )
