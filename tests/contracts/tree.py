"""What the contract tests read: every Python file of the package as a module name, its syntax tree and its imports."""

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "workbench"


class Import(NamedTuple):
    """One imported module; `inside` names the function it stands in, or TYPE_CHECKING, if any."""

    target: str
    line: int
    inside: str


@cache
def modules() -> dict[str, Path]:
    """Dotted name -> file, for every module of the package."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def syntax(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@cache
def imports(module: str) -> tuple[Import, ...]:
    """Every import of a module, those inside functions and under TYPE_CHECKING included."""
    found: list[Import] = []
    _walk(syntax(modules()[module]), "", found)
    return tuple(found)


def _walk(node: ast.AST, inside: str, found: list[Import]) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            found += [Import(alias.name, child.lineno, inside) for alias in child.names]
        elif isinstance(child, ast.ImportFrom):
            found += [Import(name, child.lineno, inside) for name in _targets(child)]
        _walk(child, _scope(child) or inside, found)


def _scope(node: ast.AST) -> str:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return node.name
    if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
        return "TYPE_CHECKING"
    return ""


def _targets(node: ast.ImportFrom) -> set[str]:
    """`from a.b import c` imports a.b.c where that is a module of ours, else a.b."""
    source = node.module or ""
    return {
        f"{source}.{alias.name}" if f"{source}.{alias.name}" in modules() else source
        for alias in node.names
    }
