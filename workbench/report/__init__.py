"""Reports: `render(path, "reports/name.html")` writes one HTML file about a sweep that opens offline; no torch."""

from workbench.report.render import render
from workbench.report.told import report

__all__ = ["render", "report"]
