"""Which sweep `--resume` means: a folder, a name under the runs folder, or the newest sweep made from a spec file."""

from pathlib import Path

from workbench.cli.printing import command
from workbench.errors import SpecError, StoreError
from workbench.runs.store import SweepStore, find_sweeps
from workbench.spec import Spec


def sweep_to_resume(given: Path, *, runs: Path) -> Path:
    """The folder of the sweep to go on with."""
    for folder in (given, runs / given):
        if (folder / "spec.yaml").is_file():
            return SweepStore.open(folder).path
    if given.is_dir():
        raise StoreError(
            f"{str(given)!r} is no sweep: it has no spec.yaml; `{command()} runs` lists the sweeps"
        )
    if not given.exists() and given.suffix not in (".yaml", ".yml"):
        raise StoreError(
            f"there is no sweep {str(given)!r}, here or in {str(runs)!r}; `{command()} runs` lists what there is"
        )
    return _newest_of(Spec.load(given), given=given, runs=runs)


def _newest_of(spec: Spec, *, given: Path, runs: Path) -> Path:
    same_name = []
    for path in find_sweeps(runs):
        if path.name == spec.name or path.name.startswith(f"{spec.name}-"):
            stored = _stored_spec(path)
            if stored is not None and stored.fingerprint() == spec.fingerprint():
                return path
            same_name.append(path.name)
    if same_name:
        raise StoreError(
            f"{str(given)!r} has changed since {same_name[0]!r} was started: a sweep goes on with the spec it began "
            f"with. Go on with that one: {command()} run {runs / same_name[0]} --resume, or start anew without --resume"
        )
    raise StoreError(
        f"there is no sweep of {spec.name!r} in {str(runs)!r} to go on with; start it without --resume"
    )


def _stored_spec(path: Path) -> Spec | None:
    try:
        return Spec.load(path / "spec.yaml")
    except SpecError:
        return None
