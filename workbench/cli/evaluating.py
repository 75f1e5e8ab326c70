"""`workbench eval`: a stored sweep asked again, or adapters from anywhere made one and asked.

What is refused is refused before anything heavy is loaded. It knows the folders and no model.
"""

from collections.abc import Sequence
from pathlib import Path

from workbench.cli.following import watching
from workbench.cli.printing import note
from workbench.events import Warned
from workbench.foreign.adopting import adopt
from workbench.foreign.evaluating import ask_stored, refuse_for_stored, stored
from workbench.runs.store import SweepStore
from workbench.scores.catalog import eval_info
from workbench.scores.task import Score


def ask(
    paths: Sequence[Path],
    *,
    evals: Sequence[str],
    base: str | None,
    data: str | None,
    out: Path | None,
) -> list[Score]:
    """Ask whatever lies in these folders, with a word about how far it is."""
    for name in evals:
        eval_info(name)
    store, asked = stored(paths), paths[0]
    if store is None:
        store = adopt(paths, evals=evals, base=base, data=data, out=out)
        asked = store.path
        _tell(store, wanted=out)
    else:
        refuse_for_stored(asked, base=base, data=data, out=out)
    with watching(store, doing="loading"):
        return ask_stored(asked, evals=evals)


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
