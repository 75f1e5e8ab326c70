"""What the suites of a spec mean for its model and its data: the spec with the evals in their place.

`with_suites(spec)` is what is planned, stored and run, so that a sweep's folder names every eval that was asked. It looks into
no model and no file.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from workbench.scores.suites import SUITES, expand
from workbench.spec import Spec

SETS_OF_FACTS = ("updates", "answers", "leaky", "revisions")
"""The micro-world's sets whose rows tell facts."""


def with_suites(spec: Spec, *, files: Mapping[str, str | Path] | None = None) -> Spec:
    """The spec with evals in the place of suites, also where an axis varies them."""
    if not files and not any(name in SUITES for name in _named(spec)):
        return spec
    update: dict[str, object] = {"evals": asked_of(spec, spec.evals, files=files)}
    if "evals" in spec.sweep:
        values = tuple(asked_of(spec, one) for one in spec.sweep["evals"])
        update["sweep"] = {**spec.sweep, "evals": values}
    return spec.model_copy(update=update)


def asked_of(
    spec: Spec, names: Iterable[str], *, files: Mapping[str, str | Path] | None = None
) -> tuple[str, ...]:
    """The evals that these names mean for a spec."""
    told = tells_facts(spec.data.id)
    return expand(names, files=files, task=spec.adapter.task_type, tells_facts=told)


def tells_facts(data_id: str) -> bool:
    """Whether rows are known to tell facts, before anybody has read them.

    >>> tells_facts("microworld/updates"), tells_facts("my.jsonl")
    (True, False)
    """
    owner, _, name = data_id.partition("/")
    return owner == "microworld" and name in SETS_OF_FACTS


def _named(spec: Spec) -> list[str]:
    varied = spec.sweep.get("evals", ())
    return [*spec.evals, *(name for value in varied for name in value)]
