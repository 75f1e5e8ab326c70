"""From an executed notebook to a page: nbconvert with our theme, then the last hand of `page.py`.

`page_of(notebook)` gives the HTML. nbconvert finds the same under a name, for a notebook that was executed by hand:

    jupyter nbconvert reports/mine.ipynb --to workbench.report.exporter.ReportExporter

An output that is no HTML (a picture, a printed line, a plain value) is shown as it is; what was written to standard error is
not. Nothing of a text is taken for HTML.
"""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from markupsafe import Markup

from workbench.report.page import finished
from workbench.report.still import only_drawings, with_drawings, without_drawings

PLOTLY = "application/vnd.plotly.v1+json"

THEME = Path(__file__).parent / "theme"


def page_of(notebook: Any, *, is_static: bool = False) -> str:
    """The page of an executed notebook."""
    html, _ = _exporter()(is_static=is_static).from_notebook_node(notebook)
    return str(html)


def shown(notebook: Any) -> Any:
    """A copy in which every output that a page can show has HTML."""
    made = deepcopy(notebook)
    for place, cell in enumerate(made.cells):
        if cell.cell_type == "code":
            cell.outputs = [
                _shown(output, name=f"own-{place}-{number}")
                for number, output in enumerate(cell.outputs)
            ]
    return made


def _shown(output: Any, *, name: str) -> Any:
    from nbformat.v4 import new_output

    if output.output_type == "stream" and output.name == "stdout":
        return new_output("display_data", {"text/html": str(_plain("".join(output.text)))})
    data = output.get("data", {})
    pictures = [kind for kind in ("image/png", "image/jpeg") if kind in data]
    words = "".join(data.get("text/plain", ""))
    if PLOTLY in data:
        # Before its HTML, which would fetch or bring a plotly.js of its own.
        data["text/html"] = str(_figure(data[PLOTLY], name=name))
    elif data and "text/html" not in data:
        data["text/html"] = str(_picture(data, pictures[0], words) if pictures else _plain(words))
    return output


def _figure(told: Any, *, name: str) -> Markup:
    """A figure of plotly's own, as data for the page's one script."""
    layout = told.get("layout") or {}
    title = layout.get("title")
    words = title.get("text") if isinstance(title, dict) else title
    block = json.dumps({"data": told.get("data") or [], "layout": layout})
    for sign in "<>&":
        block = block.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(
        '<figure><div class="plot" role="img" aria-label="{}" data-figure="{name}" style="height:{}px"></div>'
        '<script type="application/json" id="{name}">{}</script></figure>'
    ).format(
        words or "A figure without a title",
        int(layout.get("height") or 340),
        Markup(block),  # noqa: S704 - every sign that HTML knows was written out above
        name=name,
    )


def _picture(data: Any, kind: str, words: str) -> Markup:
    source = "".join(data[kind]).replace("\n", "")
    return Markup('<p><img src="data:{};base64,{}" alt="{}"></p>').format(kind, source, words)


def _plain(text: str) -> Markup:
    return Markup("<pre>{}</pre>").format(text) if text.strip() else Markup("")


def __getattr__(name: str) -> Any:
    # nbconvert is imported on first use only; it looks this name up by itself.
    if name == "ReportExporter":
        return _exporter()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _exporter() -> Any:
    from nbconvert.exporters import HTMLExporter
    from nbconvert.exporters.templateexporter import TemplateExporter
    from traitlets import Bool

    class ReportExporter(HTMLExporter):  # type: ignore[misc]
        """One file that opens without a network."""

        is_static = Bool(False, help="Figures as SVG and no script that draws.").tag(config=True)

        def _template_name_default(self) -> str:
            return THEME.name

        def _extra_template_basedirs_default(self) -> list[str]:
            return [str(THEME.parent)]

        def from_notebook_node(
            self, nb: Any, resources: Any = None, **more: Any
        ) -> tuple[str, Any]:
            made = shown(nb)
            resources = self._init_resources(resources)
            title = made.metadata.get("title")
            if title:
                resources["metadata"]["name"] = title
            # Past HTMLExporter's own, which parses the whole page again to change nothing that is in ours.
            html, resources = TemplateExporter.from_notebook_node(self, made, resources, **more)
            kept = only_drawings(with_drawings(html)) if self.is_static else without_drawings(html)
            return finished(kept), resources

    return ReportExporter
