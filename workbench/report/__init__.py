"""Reports: `render(path, "reports/name.html")` writes one HTML file about a sweep that opens offline; no torch."""

from workbench.report.render import ReportParams, render

report = render
"""The name it has in `wb.report(...)`."""

__all__ = ["ReportParams", "render", "report"]
