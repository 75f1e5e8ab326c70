"""Markdown in which no text of a stranger is markup: escaped words, code spans, lists, tables and fences.

`text(value)` is one line of plain words, `code(value)` a name as it is, `paragraphs(value)` somebody's prose. What they give back
shows what was written: no tag, no link, no picture, no heading comes of it, and control and direction marks are shown
instead of obeyed. It knows nothing of cards.
"""

import re
from collections.abc import Iterable, Sequence

from workbench.compare.signs import written_out

_MARKS = re.compile(r"([\\`*_\[\]#~$])")
"""Signs that may begin or end something in Markdown wherever they stand."""

_AT_THE_START = re.compile(r"^([-+=]|\d{1,9}[.)])(?=\s|$|[-=])")
"""What makes a list, a rule or a heading of a line that begins with it."""

_ADDRESS = re.compile(r"(?i)\b(https?|ftp|mailto|xmpp)(?=:)|\b(www)(?=\.)|(?=@)")
"""Where a bare address begins to be a link, in renderers that make one of it."""

_OWN_LINK = re.compile(r"https?://[^\s<>\"'`\\()\[\]{}|*]+[^\s<>\"'`\\()\[\]{}|*.,;:!?]")

_FENCE = re.compile(r"`{3,}")


def text(value: object) -> str:
    r"""One line of plain words.

    >>> text("<b>[x](javascript:y)</b>\n# z")
    '&lt;b&gt;\\[x\\](javascript:y)&lt;/b&gt; \\# z'
    """
    line = _words(" ".join(written_out(str(value)).split()))
    # A word joiner is not seen and keeps a renderer from taking an address for a link.
    return _AT_THE_START.sub(_as_words, _ADDRESS.sub(lambda found: f"{found[0]}\u2060", line))


def paragraphs(value: str) -> str:
    r"""Prose of whoever signs for the card: its paragraphs are kept, its bare addresses are links, all else is words.

    >>> paragraphs("See https://a.org/b_c.\n\n[x](y)")
    'See <https://a.org/b_c>.\n\n\\[x\\](y)'
    """
    parts = re.split(r"\n\s*\n", value.strip())
    return "\n\n".join(told for part in parts if (told := _prose(part)))


def code(value: object) -> str:
    r"""A name, a number or a path as it is; words where a code span could be ended from inside.

    >>> code("r4-seed0"), code("a`b")
    ('`r4-seed0`', 'a\\`b')
    """
    line = " ".join(written_out(str(value)).split())
    return text(line) if not line or "`" in line or "|" in line else f"`{line}`"


def bullets(lines: Iterable[str]) -> str:
    """A list of lines that are Markdown already."""
    return "\n".join(f"- {line}" for line in lines if line)


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names with their values, which are Markdown already."""
    return bullets(f"**{name}:** {value}" for name, value in pairs if value)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already; empty without a row."""
    lines = [list(row) for row in rows]
    if not lines:
        return ""
    ruled = [list(head), ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in ruled)


def fenced(content: str, *, language: str = "") -> str:
    """Text to be copied, in a fence that nothing in it can end."""
    longest = max((len(found) for found in _FENCE.findall(content)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{content.rstrip()}\n{fence}"


def joined(*parts: str) -> str:
    """Blocks with a blank line between them; empty ones leave no trace."""
    return "\n\n".join(part for part in parts if part)


def section(title: str, *parts: str, level: int = 2) -> str:
    """A heading with what stands under it; nothing where nothing does."""
    body = joined(*parts)
    return f"{'#' * level} {title}\n\n{body}" if body else ""


def _words(line: str) -> str:
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKS.sub(r"\\\1", line)


def _prose(part: str) -> str:
    line = " ".join(written_out(part).split())
    told, at = "", 0
    for link in _OWN_LINK.finditer(line):
        told += f"{_words(line[at : link.start()])}<{link[0]}>"
        at = link.end()
    return _AT_THE_START.sub(_as_words, told + _words(line[at:]))


def _as_words(found: re.Match[str]) -> str:
    sign = found[0]
    return f"\\{sign}" if not sign[0].isdigit() else f"{sign[:-1]}\\{sign[-1]}"


def _cell(content: str) -> str:
    return content.replace("|", "\\|")
