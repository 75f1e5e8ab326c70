"""`workbench eval`: a stored sweep asked again, or adapters from anywhere made one and asked.

What is refused is refused before anything heavy is loaded. It knows the folders and no model.
"""

from collections.abc import Sequence
from pathlib import Path

from workbench.cli.following import watching
from workbench.cli.printing import note
from workbench.errors import InputError
from workbench.events import Warned
from workbench.foreign.adopting import adopt
from workbench.foreign.evaluating import ask_stored, refuse_for_stored, stored
from workbench.runs.store import SweepStore
from workbench.scores.catalog import eval_info
from workbench.scores.suites import SUITES, check_benchmark
from workbench.scores.task import Score


def ask(
    paths: Sequence[Path],
    *,
    evals: Sequence[str],
    base: str | None,
    data: Sequence[str],
    out: Path | None,
) -> list[Score]:
    """Ask whatever lies in these folders, with a word about how far it is."""
    rows, files = _parted(data)
    for name in evals:
        if name not in SUITES:
            eval_info(name)
    store, asked = stored(paths), paths[0]
    if store is None:
        store = adopt(paths, evals=evals, base=base, data=rows, files=files, out=out)
        asked = store.path
        _tell(store, wanted=out)
        with watching(store, doing="loading"):
            return ask_stored(asked)
    refuse_for_stored(asked, base=base, data=rows, out=out)
    with watching(store, doing="loading"):
        return ask_stored(asked, evals=evals, files=files)


def _parted(data: Sequence[str]) -> tuple[str | None, dict[str, str]]:
    """The rows to ask, and the files of benchmarks, which are given as `eval=file`."""
    rows: list[str] = []
    files: dict[str, str] = {}
    for one in data:
        name, equals, path = one.partition("=")
        if not equals or Path(one).exists():
            rows.append(one)
        elif check_benchmark(name) in files:
            raise InputError(f"--data gives {name!r} two files; give it one")
        elif not path.strip():
            raise InputError(f"--data {one!r} names no file; write --data {name}=FILE")
        else:
            files[name] = path
    if len(rows) > 1:
        raise InputError(
            f"--data {rows[1]!r}: rows are given already, {rows[0]!r}; a file of a benchmark is given as "
            "--data crows_pairs=FILE"
        )
    return (rows[0] if rows else None), files


def _tell(store: SweepStore, *, wanted: Path | None) -> None:
    """Where adapters from elsewhere were put, and what speaks against their base."""
    note(f"{store.path}: {len(store.trials)} made elsewhere, on {store.spec.model.id}")
    name = store.spec.name if wanted is None else wanted.name
    if store.path.name != name:
        note(
            f"{str(store.path.with_name(name))!r} was there already and is as it was; this is {store.path.name!r}"
        )
    for trial in store.trials:
        for event in store.events(trial.name):
            if isinstance(event, Warned):
                note(f"warning: {event.message}")
