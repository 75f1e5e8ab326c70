"""What the browser gets of a widget: its script and its style, each put together from files in `static/`.

A widget's script arrives as one text, which cannot import a neighbour; so what widgets share (`dom.js`, `theme.css`) is
laid before what is their own. Nothing is fetched from anywhere, and nothing is built. It knows no widget.
"""

from pathlib import Path

STATIC = Path(__file__).parent / "static"


def script(*names: str) -> str:
    """The ESM of a widget: the shared helpers, then `static/<name>.js` of each name; the last one exports `render`."""
    return _joined(("dom.js", *(f"{name}.js" for name in names)))


def style(*names: str) -> str:
    """The CSS of a widget: the shared theme, then `static/<name>.css` of each name."""
    return _joined(("theme.css", *(f"{name}.css" for name in names)))


def _joined(names: tuple[str, ...]) -> str:
    return "\n".join((STATIC / name).read_text(encoding="utf-8") for name in names)
