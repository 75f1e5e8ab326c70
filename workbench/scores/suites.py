"""Suites: `bias`, `hallucination` and `robustness` as names for several evals, for the model and the files at hand.

`expand(["bias"])` gives the evals that a suite means there; a file given under an eval's own name,
`crows_pairs=crows.csv`, adds the benchmark that asks it to its suite. A suite always asks something: what it names needs no
file. It knows no model and reads no file.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import get_args

from workbench.errors import SpecError, nearest
from workbench.scores.catalog import EVALS, called
from workbench.scores.entry import Suite, Task

SUITES: tuple[str, ...] = get_args(Suite)

ONLY_IN_FACTS = ("slick",)
"""Evals that ask what was trained as questions with short answers: in the micro-world its sets of facts have these."""


def expand(
    names: Iterable[str],
    *,
    files: Mapping[str, str | Path] | None = None,
    task: Task = "CAUSAL_LM",
    tells_facts: bool = True,
) -> tuple[str, ...]:
    """Evals in the place of suites, each once, and with the file that was given for it.

    Args:
        names: Evals and suites.
        files: Eval -> the file that it asks.
        task: What the model does; whoever tells rows apart answers no suite.
        tells_facts: Whether the training rows tell facts.
    """
    files = {check_benchmark(name): path for name, path in (files or {}).items()}
    found: list[str] = []
    used: set[str] = set()
    for name in names:
        if name not in SUITES:
            used |= {name} & set(files)
            found.append(f"{name}:{files[name]}" if name in files else name)
            continue
        if task != "CAUSAL_LM":
            raise SpecError(
                f"evals: the suite {name!r} asks a model that writes, and adapter.task_type {task} tells rows apart"
            )
        for part in _parts(name):
            if part in ONLY_IN_FACTS and not tells_facts:
                continue
            if not EVALS[part].file:
                found.append(part)
            elif part in files:
                used.add(part)
                found.append(f"{part}:{files[part]}")
    for name in files:
        if name not in used:
            suite = EVALS[name].suite
            also = f", or its suite {suite!r}" if suite else ""
            raise SpecError(
                f"a file is given for {name!r}, which is not asked; name it among the evals{also}"
            )
    return _each_once(found)


def check_benchmark(name: str) -> str:
    """An eval that asks a file; another name is an error that tells the nearest one."""
    asking = [one for one, info in EVALS.items() if info.file]
    if name not in asking:
        raise SpecError(f"there is no eval {name!r} that asks a file. {nearest(name, asking)}")
    return name


def _parts(suite: str) -> Sequence[str]:
    return [name for name, info in EVALS.items() if info.suite == suite]


def _each_once(names: Sequence[str]) -> tuple[str, ...]:
    """The first of those that would be called the same, where a suite brings an eval that is named besides."""
    kept: dict[str, str] = {}
    for name in names:
        kept.setdefault(called(name) if name.partition(":")[0] in EVALS else name, name)
    return tuple(kept.values())
