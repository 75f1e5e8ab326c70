"""`workbench lab` as a person types it: the address it prints leads to the tour, and nobody is asked about news."""

import os
import re
import subprocess
import sys
import time

import pytest

from tests.browser.conftest import ROOT, free_port
from tests.browser.lab_page import leaving

pytestmark = pytest.mark.browser


@pytest.fixture
def address(tmp_path):
    """What `workbench lab --no-browser` prints, with folders of its own."""
    log = tmp_path / "lab.log"
    places = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    env = {**os.environ, **{f"JUPYTER_{place}": str(tmp_path / place) for place in places}}
    env |= {
        f"JUPYTERLAB_{place}_DIR": str(tmp_path / place) for place in ("SETTINGS", "WORKSPACES")
    }
    command = [sys.executable, "-m", "workbench", "lab", "--no-browser", f"--port={free_port()}"]
    with log.open("wb") as out:
        server = subprocess.Popen(command, env=env, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
    try:
        for _ in range(300):
            found = re.search(r"http://127\.0\.0\.1:\S+", log.read_text())
            if found:
                break
            assert server.poll() is None, log.read_text()[-3000:]
            time.sleep(0.2)
        assert found, log.read_text()[-3000:]
        yield found[0]
    finally:
        server.terminate()
        server.wait(30)


def test_the_printed_address_leads_to_the_tour_and_no_news_are_offered(chromium, address):
    context = chromium.new_context()
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.locator(".jp-NotebookPanel .jp-Notebook").wait_for(timeout=60_000)
    page.get_by_role("heading", name="Start here").first.wait_for(timeout=60_000)
    page.wait_for_timeout(3000)
    assert page.get_by_text("Jupyter news").count() == 0
    assert "token=" in address
    assert leaving(asked, address.split("/lab")[0]) == []
    context.close()
