"""The last hand on a page: table of contents, style, the two scripts, and a policy that allows nothing else.

`finished(html)` takes what the theme's template made and fills its three places. plotly.js is put in once, and only
where there is a figure. The policy names both scripts by their hash, so that a script that slipped in through a text
would not run; no address outside the file is allowed. Signs that nobody would see are written out, whatever cell they come from.
"""

import base64
import hashlib
from html.parser import HTMLParser
from pathlib import Path

from markupsafe import Markup

from workbench.compare.markup import STYLE
from workbench.compare.signs import written_out

THEME = Path(__file__).parent / "theme"

PLACES = ("<!--policy-->", "<!--style-->", "<!--contents-->", "<!--scripts-->")


def finished(html: str) -> str:
    """The page, complete."""
    html = written_out(html)
    scripts = [_own_script()]
    if 'type="application/json"' in html:
        scripts.insert(0, _plotly())
    parts = (
        f'<meta http-equiv="Content-Security-Policy" content="{policy(scripts)}">',
        f"<style>\n{STYLE}\n{(THEME / 'report.css').read_text(encoding='utf-8')}</style>",
        str(contents(html)),
        "\n".join(f"<script>{script}</script>" for script in scripts),
    )
    for place, part in zip(PLACES, parts, strict=True):
        before, found, after = html.partition(place)
        assert found, f"the theme's template has no {place}"
        html = before + part + after
    return html


def policy(scripts: list[str]) -> str:
    """What the page may load: nothing but itself.

    >>> policy(["1"]).split("; ")[:2]
    ["default-src 'none'", "script-src 'sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s='"]
    """
    hashes = " ".join(f"'sha256-{_hash(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
    )


def contents(html: str) -> Markup:
    """Links to the headings of a page that have an id."""
    reader = _Headings()
    reader.feed(html)
    items = Markup("").join(
        Markup('<li class="level-{}"><a href="#{}">{}</a></li>').format(level, anchor, text.strip())
        for level, anchor, text in reader.found
    )
    return Markup("<ol>{}</ol>").format(items) if items else Markup("")


class _Headings(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[int, str, str]] = []
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        anchor, listed = told.get("id"), told.get("data-listed") or ""
        if tag in ("h2", "h3") and anchor:
            self._open = "" if listed else tag
            self.found.append((int(tag[1]), anchor, listed))

    def handle_data(self, data: str) -> None:
        if self._open:
            level, anchor, text = self.found[-1]
            self.found[-1] = (level, anchor, text + data)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._open:
            self._open = ""


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return _as_parsed(get_plotlyjs())


def _own_script() -> str:
    return _as_parsed((THEME / "report.js").read_text(encoding="utf-8"))


def _as_parsed(script: str) -> str:
    """Line ends as an HTML parser leaves them: the hash is of what the browser sees."""
    return script.replace("\r\n", "\n").replace("\r", "\n")


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
