r"""Signs that nobody sees, or that turn what stands around them: written out, as `\u202e`, wherever text is shown.

`written_out(text)` leaves every other sign as it is. What joins letters and pictures (U+200C, U+200D, variation selectors)
stays: without it Persian and many emoji are wrong. It knows nothing of HTML.
"""

import re

_UNSEEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control signs, but for tab and line feed
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2060-\u206f\ufeff\ufff9-\ufffb"  # of no width, or of direction
    "\u2028-\u202e"  # other line ends, and overrides of direction
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"  # halves of a sign, and no signs at all
    "\U000e0000-\U000e007f"  # letters in which text can be hidden
    "]"
)


def written_out(text: str) -> str:
    r"""The text with unseen signs by their number.

    >>> written_out("a\u202eb\x00\ud800"), written_out("two\nlines")
    ('a\\u202eb\\u0000\\ud800', 'two\nlines')
    """
    return _UNSEEN.sub(_number, text)


def _number(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
