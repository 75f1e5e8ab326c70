"""One rendered report of a planted sweep with hostile text in it, for the tests that open it."""

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.compare.planted import CLEAR, calibrated, certified, plant
from workbench.report import render

HOSTILE = (
    '<script>window.pwned=1</script><img src=x onerror="window.pwned=1"><svg onload=window.pwned=1>'
    "</script></textarea><a href=javascript:pwned()>{{7*7}}<!-- \u202eabc\x07"
)


class Rendered(NamedTuple):
    sweep: Path
    page: Path
    html: str

    @property
    def notebook(self) -> Path:
        return self.page.with_suffix(".ipynb")


@pytest.fixture(scope="session")
def rendered(tmp_path_factory) -> Rendered:
    folder = tmp_path_factory.mktemp("rendered")
    sweep = plant(
        folder / "runs", right=CLEAR, failed=(2,), hostile=HOSTILE, unscored=3, name="rank-sweep"
    )
    found = certified(calibrated("recall", off=0.1), calibrated("paraphrase"))
    found.save(sweep / "calibration.json")
    page = render(sweep, folder / "reports" / "rank.html", title="Ranks <b>compared</b>")
    return Rendered(sweep, page, page.read_text(encoding="utf-8"))
