"""A page of answers as a plain table, for places that show no widget: `as_table(view)` as HTML, `as_text(view)` as lines.

Both take the `view` of the widget. All text is a stranger's: it is escaped, signs that steer a terminal or the direction of
writing are shown and not obeyed, and what is long is cut.
"""

import re
from html import escape
from typing import Any

MOST = 200
"""Characters of a text."""

_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def as_table(view: dict[str, Any], *, problem: str = "") -> str:
    """The page as HTML."""
    if not view.get("rows"):
        return f"<p>{escape(problem or 'No item is looked at.')}</p>"
    head = "".join(
        f"<th scope='col'>{escape(word)}</th>"
        for word in ("item", "prompt", "expected", *view["slots"])
    )
    body = "".join(
        "<tr>"
        + "".join(f"<td><span dir='auto'>{escape(word)}</span></td>" for word in _words(view, row))
        + "</tr>"
        for row in view["rows"]
    )
    return f"<table><caption>{escape(_caption(view))}</caption><tr>{head}</tr>{body}</table>"


def as_text(view: dict[str, Any], *, problem: str = "") -> str:
    """The page as lines."""
    if not view.get("rows"):
        return problem or "No item is looked at."
    lines = [_caption(view), "  ".join(("item", "prompt", "expected", *view["slots"]))]
    return "\n".join([*lines, *("  ".join(_words(view, row)) for row in view["rows"])])


def visible(text: str) -> str:
    r"""A text with its steering signs shown.

    >>> visible("a" + chr(27) + "[31m" + chr(0x202E))
    'a\\u001b[31m\\u202e'
    """
    return _STEERING.sub(lambda sign: f"\\u{ord(sign.group()):04x}", text)


def _caption(view: dict[str, Any]) -> str:
    last = view["first"] + len(view["rows"])
    return f"Answers to {view['eval']}: items {view['first'] + 1} to {last} of {view['total']}"


def _words(view: dict[str, Any], row: dict[str, Any]) -> list[str]:
    cells = [row["cells"].get(slot) for slot in view["slots"]]
    texts = [row["sample"], row["prompt"], row["expected"]]
    texts += [cell["answer"] if cell else "–" for cell in cells]
    return [visible(text if len(text) <= MOST else f"{text[:MOST]} …") for text in texts]
