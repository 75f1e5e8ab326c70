"""One verb for whatever lies in a folder: stored adapters of a sweep asked again, or adapters from anywhere for once.

`evaluate("runs/rank-sweep")` asks a sweep or one of its trials anew. `evaluate("adapters/poems", base="owner/model",
evals=["retention"])` makes a sweep of an adapter in PEFT's format and asks it; several folders are asked the same items
and can be compared. Heavy libraries load when something is asked, not before.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.errors import InputError
from workbench.foreign.adopting import RECORD, adopt
from workbench.foreign.folder import is_foreign
from workbench.plan.suites import asked_of
from workbench.runs.store import SweepStore
from workbench.scores.task import Score


def evaluate(
    path: str | Path | Sequence[str | Path],
    *,
    evals: Sequence[str] = (),
    base: str | None = None,
    data: str | None = None,
    files: Mapping[str, str | Path] | None = None,
    out: str | Path | None = None,
) -> list[Score]:
    """Ask evals of adapters and of their base, and store the answers.

    Args:
        path: A sweep, a trial of one, or one or several folders in PEFT's format or of whole models.
        evals: Which, suites among them; of a sweep those of its spec when left out.
        base: The model that adapters from elsewhere are put on; None takes the one that they name.
        data: Rows to ask of them: a file, `microworld/<set>` or a hub id.
        files: Eval -> the file that it asks, such as `{"crows_pairs": "crows.csv"}`.
        out: The sweep folder that is made of them; None makes one under `runs`.
    """
    paths = [Path(one) for one in ([path] if isinstance(path, str | Path) else path)]
    kept = stored(paths)
    if kept is None:
        kept = adopt(
            paths,
            evals=evals,
            base=base,
            data=data,
            files=files,
            out=None if out is None else Path(out),
        )
        return ask_stored(kept.path)
    refuse_for_stored(paths[0], base=base, data=data, out=out)
    return ask_stored(paths[0], evals=evals, files=files)


def stored(paths: Sequence[Path]) -> SweepStore | None:
    """The sweep that a path is, or lies in as a trial; None for folders that are in none."""
    if not paths:
        raise InputError(
            "nothing is to be asked; give the folder of a sweep, an adapter or a model"
        )
    held = [path for path in paths if _in_a_sweep(path)]
    if not held:
        return None
    if len(paths) > 1:
        raise InputError(
            f"{str(held[0])!r} is a sweep or a trial of one, which is asked by itself; to compare its "
            f"adapter with others give the folder of that: {str(held[0] / 'adapter')!r}"
        )
    return SweepStore.open(_sweep(held[0]))


def refuse_for_stored(
    path: Path, *, base: str | None, data: str | None, out: str | Path | None
) -> None:
    """A stored sweep has its base, its rows and its folder already."""
    said = [name for name, value in (("base", base), ("data", data), ("out", out)) if value]
    if said:
        raise InputError(
            f"{str(path)!r} is a sweep, whose spec says that already; leave out {' and '.join(said)}"
        )


def ask_stored(
    path: Path, *, evals: Sequence[str] = (), files: Mapping[str, str | Path] | None = None
) -> list[Score]:
    """Ask a sweep or one of its trials."""
    from workbench.models.quiet import quietly

    folder = _sweep(path)
    with quietly():
        if not (folder / RECORD).is_file():
            from workbench.experiment import evaluate as ask_again

            return ask_again(path, evals=evals, files=files)
        from workbench.foreign.asking import ask

        store = SweepStore.open(folder)
        only = "" if folder.resolve() == path.resolve() else path.resolve().name
        if only:
            store.folder(only)
        return ask(store, evals=asked_of(store.spec, evals, files=files), only=only)


def _in_a_sweep(path: Path) -> bool:
    if (path / "status.json").is_file():
        return True
    return not is_foreign(path) and (path.absolute().parent / "status.json").is_file()


def _sweep(path: Path) -> Path:
    return path if (path / "status.json").is_file() else path.absolute().parent
