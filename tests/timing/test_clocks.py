"""Durations are taken on a clock that nobody can set: where the wall clock is read at all stands here with its reason."""

import ast

from tests.contracts.tree import modules

WALL = {
    "workbench.runs.store": "stamps of events and the heartbeat, for people and for knowing a dead worker",
    "workbench.widgets.loader": "how long ago a sweep was made, in words",
    "workbench.deployment.running": "whether the wall clock was set while calls were timed; no time is taken from it",
}


def _looks(node):
    """Whether this is `time.time`, or an import of it by name."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return (node.value.id, node.attr) == ("time", "time")
    is_of_time = isinstance(node, ast.ImportFrom) and node.module == "time"
    return is_of_time and any(one.name == "time" for one in node.names)


def test_the_wall_clock_is_read_where_it_is_meant_and_nowhere_else():
    found = {
        name
        for name, path in modules().items()
        if any(map(_looks, ast.walk(ast.parse(path.read_text(encoding="utf-8")))))
    }
    assert found == set(WALL)
