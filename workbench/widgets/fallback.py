"""What a face leaves where no widget can be shown: plain text and HTML that go out beside the widget itself.

GitHub, nbviewer and a notebook that ran headless show the HTML, a terminal the text. It knows no face.
"""

from typing import Any


def beside(bundle: Any, *, text: str, html: str) -> Any:
    """What anywidget gives for a display, with text and HTML beside it; these alone where it gives nothing."""
    plain = {"text/plain": text, "text/html": html}
    if bundle is None:
        return plain
    data, metadata = bundle
    return {**data, **plain}, metadata
