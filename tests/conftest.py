"""What every test may ask for: real tiny models and data when they lie beside the checkout, a browser when there is
one, full counts when asked. Tests never read or fill the user's own caches."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("WORKBENCH_SHARED", ROOT.parent / "shared"))
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

BROWSER_ARGS = [
    "--no-sandbox",  # Chromium refuses to sandbox for root, which is who runs in a container
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--force-color-profile=srgb",
]

_HOME = tempfile.TemporaryDirectory(prefix="workbench-tests-")
os.environ["HF_HOME"] = str(Path(_HOME.name) / "huggingface")
os.environ["XDG_CACHE_HOME"] = str(Path(_HOME.name) / "cache")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
if os.environ.get("NETWORK") != "1":
    # Nobody answers there: no test depends on a hub, and one that asks it hears so at once.
    os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"


def find_browser() -> str | None:
    """A Chromium on this machine, or the one BROWSER_BIN names."""
    return os.environ.get("BROWSER_BIN") or next(filter(None, map(shutil.which, BROWSERS)), None)


def pytest_collection_modifyitems(config, items):
    wanted = {"soak": "SOAK", "network": "NETWORK"}
    for item in items:
        for mark, variable in wanted.items():
            if mark in item.keywords and os.environ.get(variable) != "1":
                item.add_marker(pytest.mark.skip(reason=f"only with {variable}=1"))
        if "browser" in item.keywords and not find_browser() and not browser_required():
            item.add_marker(
                pytest.mark.skip(reason="NO BROWSER: install chromium, or name one in BROWSER_BIN")
            )


def browser_required() -> bool:
    return os.environ.get("REQUIRE_BROWSER") == "1"


def pytest_terminal_summary(terminalreporter):
    skipped = terminalreporter.stats.get("skipped", [])
    without = [report for report in skipped if "NO BROWSER" in str(report.longrepr)]
    if without:
        terminalreporter.write_sep(
            "!", f"{len(without)} BROWSER TESTS DID NOT RUN: no chromium here", red=True
        )


@pytest.fixture(scope="session")
def browser_path() -> str:
    """The browser to drive; with REQUIRE_BROWSER=1 its absence is a failure."""
    found = find_browser()
    if found is None:
        assert not browser_required(), (
            "REQUIRE_BROWSER=1, but there is no chromium; apt-get install chromium"
        )
        pytest.skip("NO BROWSER: install chromium, or name one in BROWSER_BIN")
    return found


@pytest.fixture(scope="session")
def chromium(browser_path):
    """One browser for all tests: playwright's loop can be started once in a process."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=BROWSER_ARGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def soak() -> bool:
    """True when the same tests should run at full counts."""
    return os.environ.get("SOAK") == "1"


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """The folder of real tiny models."""
    return _shared("models")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real public data."""
    return _shared("data")


def _shared(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"{name} are not beside this checkout; WORKBENCH_SHARED names another place")
    return folder
