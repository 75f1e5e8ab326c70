"""Text to take away: `CodeBox` shows named texts with a Copy button each, and is nothing while it has none.

It also brings the stylesheet of the panel, whose part it is. The browser does the copying; Python only gives the texts.
"""

from collections.abc import Mapping

import anywidget
import traitlets

from workbench.widgets.assets import script, style


class CodeBox(anywidget.AnyWidget):
    """Named texts, each with a Copy button."""

    _esm = script("code_box")
    _css = style("panel")

    texts: traitlets.List[dict[str, str]] = traitlets.List().tag(sync=True)

    def show(self, texts: Mapping[str, str]) -> None:
        """Show these texts; none closes the box."""
        self.texts = [{"title": title, "text": text} for title, text in texts.items()]
