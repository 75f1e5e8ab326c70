"""What a hand does on a page of JupyterLab, for every browser test: open a notebook, run it, press, wait, look.

Notebooks are made by the `lab` fixture: `lab.written(*cells)` from sources, `lab.shipped(name)` from those of the
project. All of them wait; none of them times anything.
"""

import time
from uuid import uuid4

from axe_playwright_python.sync_playwright import Axe

SECOND = 3000
"""What a second of a quiet machine may take on a shared one, in milliseconds: for waiting only, nothing is timed by it."""

# The indicator in the toolbar says idle before there is a kernel, and what is run then is lost.
KERNEL_IS_READY = """() => {
    const app = window.jupyterapp;
    const kernel = app?.shell.currentWidget?.context?.sessionContext?.session?.kernel;
    return app?.commands.hasCommand('runmenu:run-all')
        && kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
}"""
# A page that was reloaded has the counts of before; a kernel that is idle may have cells that wait for it.
ALL_HAS_RUN = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    const cells = [...panel.content.model.cells].filter((cell) => cell.type === 'code' && cell.sharedModel.source.trim());
    return panel.sessionContext.session?.kernel?.status === 'idle'
        && cells.every((cell) => cell.executionCount && cell.executionState === 'idle'
            || [...Array(cell.outputs.length).keys()].some((n) => cell.outputs.get(n).type === 'error'));
}"""
SERIOUS = ("serious", "critical")


def open_notebook(page, lab, path: str) -> None:
    """Open a notebook in a workspace of its own, and wait until its kernel hears."""
    page.goto(f"{lab.url}/lab/workspaces/{uuid4().hex}/tree/{path}?token={lab.token}")
    page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook").wait_for(timeout=60 * SECOND)
    wait_for_kernel(page)


def open_and_run(page, lab, path: str, *, cells: int | None = None) -> None:
    """Open a notebook and run all of it, or its first cells."""
    open_notebook(page, lab, path)
    if cells is None:
        command(page, "runmenu:run-all")
    for number in range(cells or 0):
        run_cell(page, number)


def run_cell(page, number: int) -> None:
    """Run one code cell; -1 is the last one."""
    page.locator(".jp-CodeCell").nth(number).locator(".jp-InputArea-editor").click()
    command(page, "notebook:run-cell")


def run_last_cell(page) -> None:
    run_cell(page, -1)


def printed(page, word: str):
    """The newest output with this word."""
    marked = page.locator(".jp-OutputArea-output", has_text=word).last
    marked.wait_for(timeout=20 * SECOND)
    return marked


def command(page, name: str) -> None:
    """Have JupyterLab do something, without waiting for it."""
    # In braces, so that the promise is not returned: the browser would be waited for until the cell ends.
    page.evaluate(f"() => {{ window.jupyterapp.commands.execute('{name}'); }}")


def wait_for_kernel(page) -> None:
    page.wait_for_function(KERNEL_IS_READY, timeout=60 * SECOND)


def wait_until_busy(page) -> None:
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=busy]").wait_for(
        state="attached", timeout=20 * SECOND
    )


def wait_until_all_has_run(page, *, seconds: int) -> None:
    """Wait until every code cell has run, or one has failed."""
    page.wait_for_function(ALL_HAS_RUN, timeout=seconds * SECOND, polling=500)


def save_and_reload(page) -> None:
    """Save the notebook as it stands and load the page anew."""
    command(page, "docmanager:save")
    page.get_by_text("Saving completed").wait_for(state="attached", timeout=20 * SECOND)
    page.reload()


def in_theme(page, name: str) -> None:
    page.evaluate(
        f"() => {{ window.jupyterapp.commands.execute('apputils:change-theme', {{theme: '{name}'}}); }}"
    )
    page.locator(f"body[data-jp-theme-name='{name}']").wait_for(
        state="attached", timeout=20 * SECOND
    )
    page.wait_for_timeout(500)


# The panel and the live view.


def chip(panel, label: str):
    """A chip of the form by its whole label."""
    return panel.locator(".wb-chips button", has_text=label).filter(
        has=panel.page.locator(f":scope:text-is('{label}')")
    )


def number_of_points(live) -> int:
    lines = live.locator("polyline")
    return sum(
        len((line.get_attribute("points") or "").split()) for line in lines.element_handles()
    )


def wait_for_more_points(live, *, than: int) -> None:
    deadline = time.monotonic() + 60
    while number_of_points(live) <= than:
        assert time.monotonic() < deadline, "the curves did not grow"
        live.page.wait_for_timeout(200)


def wait_for_state(live, state: str, *, seconds: int = 180) -> None:
    live.page.locator(f".wb-live[data-state={state}]").wait_for(timeout=seconds * SECOND)


# What must be true of every page.


def assert_quiet(page, lab) -> None:
    """Nothing left this machine, and no error of ours stands in the console."""
    assert leaving(page.seen.urls, lab.url) == []
    assert page.seen.errors == []


def leaving(urls: list[str], here: str) -> list[str]:
    """The addresses that are not of this server."""
    local = (here, here.replace("http", "ws", 1), "data:", "blob:", "about:")
    return [url for url in urls if not url.startswith(local)]


def assert_accessible(page, root: str) -> None:
    """axe finds nothing serious in an element."""
    assert serious(page, root) == []


def serious(page, root: str) -> list[str]:
    """What axe finds serious in an element, a line each."""
    found = Axe().run(page, context=[root]).response["violations"]
    return [
        f"{root}: {one['id']} ({node['target'][0]}): {one['help']}: {node['html'][:200]}"
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]
