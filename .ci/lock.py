"""Write requirements.lock and requirements-dev.lock from what is installed, or `--check` that they still agree.

The lock is the closure of the dependencies in pyproject.toml over the installed distributions, each pinned exactly.
A local build tag (`+cpu`) is dropped, so that every platform takes the build its own registry offers. It knows no
registry and resolves nothing: install first, then lock.
"""

import sys
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent


def closure(requirements: list[str]) -> dict[str, str]:
    """Every installed distribution that the requirements lead to: name -> exact version."""
    found: dict[str, str] = {}
    waiting = [Requirement(text) for text in requirements]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        key = (name, frozenset(requirement.extras))
        if key in seen or not _applies(requirement, extras=frozenset({""})):
            continue
        seen.add(key)
        here = metadata.distribution(name)
        found[name] = here.version.split("+")[0]
        wanted = frozenset({"", *requirement.extras})
        children = (Requirement(text) for text in here.requires or [])
        waiting += [_bare(child) for child in children if _applies(child, extras=wanted)]
    return found


def _applies(requirement: Requirement, *, extras: frozenset[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras)


def _bare(requirement: Requirement) -> Requirement:
    requirement.marker = None
    return requirement


def locks() -> dict[str, str]:
    """File name -> text of both lock files."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    run = closure(project["dependencies"])
    dev = closure(project["dependencies"] + project["optional-dependencies"]["dev"])
    only_dev = {name: version for name, version in dev.items() if name not in run}
    head = "# Written by `make lock` from pyproject.toml; do not edit.\n"
    return {
        "requirements.lock": head + _lines(run),
        "requirements-dev.lock": head + "-r requirements.lock\n" + _lines(only_dev),
    }


def _lines(pins: dict[str, str]) -> str:
    return "".join(f"{name}=={version}\n" for name, version in sorted(pins.items()))


def main() -> int:
    """Write both files; with `--check` only compare."""
    stale = [name for name, text in locks().items() if _now(ROOT / name) != text]
    if "--check" in sys.argv:
        for name in stale:
            print(f"{name} is not what pyproject.toml and this environment say; run: make lock")
        return 1 if stale else 0
    for name, text in locks().items():
        (ROOT / name).write_text(text)
        print(f"{name}: {text.count('==')} pins")
    return 0


def _now(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    raise SystemExit(main())
