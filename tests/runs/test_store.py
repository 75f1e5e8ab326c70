"""A sweep folder: made whole or not at all, never over another, and read back as it was written."""

import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from workbench.errors import RunError, StoreError
from workbench.events import Evaluated, Warned
from workbench.runs.store import SweepStore, find_sweeps
from workbench.scores.task import Row, Score
from workbench.spec import Spec, Trial


def test_a_new_sweep_has_its_spec_and_a_folder_for_each_trial(store, spec):
    assert store.path.name == "ranks"
    assert Spec.load(store.path / "spec.yaml") == spec
    assert [trial.name for trial in store.trials] == [
        "r1-seed0",
        "r1-seed1",
        "r4-seed0",
        "r4-seed1",
    ]
    for trial in store.trials:
        assert Spec.load(store.path / trial.name / "spec.yaml") == trial.spec
    assert store.status().state == "queued"
    assert set(store.status().trials) == {trial.name for trial in store.trials}


def test_it_opens_again_as_it_was(store):
    again = SweepStore.open(store.path)
    assert (again.spec, again.trials, again.path) == (store.spec, store.trials, store.path)


def test_a_second_start_takes_the_next_free_name(spec, tmp_path):
    names = [SweepStore.create(spec, root=tmp_path).path.name for _ in range(3)]
    assert names == ["ranks", "ranks-002", "ranks-003"]


def test_a_name_taken_by_something_else_is_left_alone(spec, tmp_path):
    (tmp_path / "ranks").write_text("mine")
    (tmp_path / "ranks-002").mkdir()
    (tmp_path / "ranks-003").symlink_to(tmp_path / "nowhere")
    assert SweepStore.create(spec, root=tmp_path).path.name == "ranks-004"
    assert (tmp_path / "ranks").read_text() == "mine"
    assert list((tmp_path / "ranks-002").iterdir()) == []


def test_starts_at_the_same_moment_each_get_a_folder_of_their_own(spec, tmp_path):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: SweepStore.create(spec, root=tmp_path).path, range(24)))
    assert len(set(made)) == 24
    assert set(find_sweeps(tmp_path)) == set(made)
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".")]


def test_a_root_that_cannot_be_written_is_named(spec, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"no sweep can be made in .*file/runs"):
        SweepStore.create(spec, root=tmp_path / "file" / "runs")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_root_without_permission_is_named(spec, tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(StoreError, match="Permission denied"):
        SweepStore.create(spec, root=tmp_path)


def test_a_disk_that_fills_up_leaves_no_half_sweep(tmp_path):
    done = run_limited(
        tmp_path, "SweepStore.create(Spec(name='x' * 60), root=Path('runs'))", size=8
    )
    assert "StoreError: no sweep can be made in" in done.stderr
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_trial_named_like_our_own_folders_is_refused(tmp_path):
    for name in ("base", "control", "rows", "..", ".hidden", "a/b"):
        trial = Trial(name=name, spec=Spec())
        with pytest.raises(StoreError, match="a trial cannot be called"):
            SweepStore.create(OneTrial(trial), root=tmp_path)
    assert list(tmp_path.iterdir()) == []


class OneTrial:
    """A spec whose only trial has a name that the real one never gives."""

    def __init__(self, trial):
        self.name, self._trial = "ranks", trial

    def grid(self):
        return (self._trial,)


def test_what_is_no_sweep_is_told_apart(store, tmp_path):
    with pytest.raises(StoreError, match="there is no folder"):
        SweepStore.open(tmp_path / "nothing")
    with pytest.raises(
        StoreError, match=r"no spec\.yaml and no status\.json.*newest sweep in it is"
    ):
        SweepStore.open(store.path.parent)
    with pytest.raises(StoreError, match=r"no status\.json.*lies in the sweep"):
        SweepStore.open(store.path / "r1-seed0")


@pytest.mark.parametrize(
    "content", ["", "null", "[]", '{"state": "dancing"}', "\x00\x01", "[" * 9999]
)
def test_a_status_that_is_none_is_named(store, content):
    (store.path / "status.json").write_text(content)
    with pytest.raises(StoreError, match=r"status\.json"):
        SweepStore.open(store.path)


def test_a_spec_that_is_none_is_named(store):
    (store.path / "spec.yaml").write_text("adapter: {r: 0}")
    with pytest.raises(StoreError, match="adapter"):
        SweepStore.open(store.path)


def test_a_folder_that_can_only_be_read_opens(store):
    modes = {path: path.stat().st_mode for path in [store.path, *store.path.rglob("*")]}
    for path in modes:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        again = SweepStore.open(store.path)
        assert again.scores() == []
        assert again.events() == []
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


def test_an_unknown_slot_is_answered_with_near_names(store):
    assert store.folder("base") == store.path / "base"
    assert store.folder("") == store.path
    with pytest.raises(StoreError, match="r4-seed1"):
        store.folder("r4-sed1")


@pytest.mark.parametrize(
    "path", ["../out.json", "/tmp/out.json", "a/../../out.json", "link/out.json"]
)
def test_no_path_leads_out_of_the_sweep(store, tmp_path, path):
    (store.path / "link").symlink_to(tmp_path)
    with pytest.raises(StoreError, match="leads out of the sweep"):
        store.write_json(path, {})
    with pytest.raises(StoreError, match="leads out of the sweep"):
        store.read_json(path)
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize("slot", ["../runs", "..", "/etc", "control"])
def test_no_slot_leads_out_of_the_sweep(store, slot):
    for ask in (store.folder, store.events, store.steps):
        with pytest.raises(StoreError, match="has no trial"):
            ask(slot)
    with pytest.raises(StoreError, match="has no trial"):
        store.append(Warned(trial=slot, code="x", message="y"))


@pytest.mark.parametrize("eval", ["../recall", "a/b", "", ".recall"])
def test_no_eval_leads_out_of_its_folder(store, eval):
    with pytest.raises(StoreError, match="an eval cannot be called"):
        store.read_rows("base", eval)
    with pytest.raises(StoreError, match="an eval cannot be called"):
        store.read_score("base", eval)


def test_json_comes_back_and_a_failed_write_keeps_the_old(store):
    store.write_json("plan.json", {"steps": 3, "name": "Zoë", "score": score("base", "recall")})
    with pytest.raises(TypeError):
        store.write_json("plan.json", {"steps": object()})
    found = store.read_json("plan.json")
    assert (found["steps"], found["name"], found["score"]["eval"]) == (3, "Zoë", "recall")
    assert hidden(store.path) == []


def test_json_that_is_missing_or_broken_is_named(store):
    with pytest.raises(StoreError, match=r"has no 'plan\.json' yet"):
        store.read_json("plan.json")
    assert store.read_json("plan.json", default=None) is None
    (store.path / "plan.json").write_text('{"a": ')
    with pytest.raises(StoreError, match="is not JSON"):
        store.read_json("plan.json", default=None)


def row(slot, sample, **fields):
    return Row(sample=sample, slot=slot, **fields)


def score(slot, eval, value=0.5):
    return Score(
        eval=eval,
        slot=slot,
        value=value,
        low=0.4,
        high=0.6,
        n=9,
        clusters=3,
        parts={"a": 1, "b": None},
    )


def test_rows_come_back_equal_each_under_its_slot(store):
    rows = [
        row("base", "a", value=1.0, answer="</script> Zoë \U0001f40d \x00", truncated=True),
        row("r1-seed0", "a", error="nan", value=None, seconds=0.25, detail='{"k": 1}'),
        row(
            "base", "b", value=0.1 + 0.2, cluster="c", group="g", kind="k", prompt="p", expected="e"
        ),
    ]
    store.write_rows("recall", rows)
    assert store.read_rows("base", "recall") == [rows[0], rows[2]]
    assert store.read_rows("r1-seed0", "recall") == [rows[1]]
    some = store.frame("base", "recall", columns=("value", "answer", "no such"))
    assert some.column_names == ["answer", "value"]
    assert some["answer"].to_pylist() == [rows[0].answer, rows[2].answer]
    table = store.frame("base", "recall")
    assert table.column_names == list(Row.model_fields)
    assert table["value"].to_pylist() == [1.0, 0.1 + 0.2]


def test_a_column_without_any_value_keeps_its_type(store):
    store.write_rows("recall", [row("base", "a"), row("base", "b")])
    assert str(store.frame("base", "recall").schema.field("value").type) == "double"


def test_half_a_surrogate_pair_does_not_stop_a_run(store):
    store.write_rows("recall", [row("base", "a", answer="x\ud800y")])
    assert store.read_rows("base", "recall")[0].answer == "x?y"


def test_rows_that_are_missing_or_none_are_named(store):
    with pytest.raises(StoreError, match="the eval was not asked yet"):
        store.read_rows("base", "recall")
    path = store.path / "base" / "samples" / "recall.parquet"
    path.parent.mkdir()
    for content in (b"", b"PAR1", b"not parquet at all"):
        path.write_bytes(content)
        with pytest.raises(StoreError, match="does not hold rows"):
            store.frame("base", "recall")


def test_scores_come_back_base_first(store):
    for slot, eval in (("r4-seed1", "recall"), ("base", "recall"), ("base", "occupations")):
        store.write_score(score(slot, eval))
    assert store.read_score("r4-seed1", "recall") == score("r4-seed1", "recall")
    assert store.read_score("r4-seed1", "occupations") is None
    assert [(one.slot, one.eval) for one in store.scores()] == [
        ("base", "occupations"),
        ("base", "recall"),
        ("r4-seed1", "recall"),
    ]


def test_a_file_of_another_library_is_put_in_place_whole(store):
    with store.replacing("r1-seed0/adapter") as temporary:
        temporary.mkdir()
        (temporary / "adapter_config.json").write_text("1")
    with store.replacing("r1-seed0/adapter") as temporary:
        temporary.mkdir()
        (temporary / "adapter_config.json").write_text("2")
    with pytest.raises(UnicodeEncodeError), store.replacing("r1-seed0/adapter") as temporary:
        temporary.write_text("half a pair: \ud800", encoding="utf-8")
    folder = store.path / "r1-seed0" / "adapter"
    assert [path.read_text() for path in folder.iterdir()] == ["2"]
    assert hidden(store.path) == []


def hidden(folder):
    return [path for path in folder.rglob(".*") if path.name != ".lock"]


def test_sweeps_are_found_newest_first(spec, tmp_path):
    made = [SweepStore.create(spec, root=tmp_path).path for _ in range(4)]
    for age, path in enumerate(made):
        os.utime(path / "spec.yaml", (1000 + age, 1000 + age))
    (tmp_path / "notes").mkdir()
    (tmp_path / "file.txt").write_text("")
    (tmp_path / ".hidden.1.new").mkdir()
    (made[3] / "status.json").unlink()
    assert find_sweeps(tmp_path) == made[2::-1]
    assert find_sweeps(tmp_path, most=2) == made[2:0:-1]
    assert find_sweeps(tmp_path / "nothing") == []


def test_a_root_that_is_a_file_is_said(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(StoreError, match="cannot be searched"):
        find_sweeps(tmp_path / "runs")


def test_a_full_disk_is_said_and_what_was_flushed_is_kept(store):
    # A limit on the size of files is the full disk that needs no root.
    code = f"""
store = SweepStore.open(Path({str(store.path)!r}))
store.claim()
for number in range(1000):
    store.append(Evaluated(trial="base", eval="recall", value=number, low=0, high=1, n=1, seconds=0))
"""
    done = run_limited(store.path, code, size=4096)
    assert "RunError" in done.stderr
    assert "What was written before is kept" in done.stderr
    kept = store.events("base")
    assert [event.value for event in kept] == list(range(len(kept)))
    assert len(kept) > 10
    store.append(
        Evaluated(trial="base", eval="occupations", value=1, low=0, high=1, n=1, seconds=0)
    )
    assert [event.eval for event in store.events("base")[-2:]] == ["recall", "occupations"]


def test_rows_that_do_not_fit_leave_the_old_ones(store):
    store.write_rows("recall", [row("base", "a")])
    code = f"""
store = SweepStore.open(Path({str(store.path)!r}))
rows = [Row(sample=str(n), slot="base", answer=str(n * 7919)) for n in range(5000)]
store.write_rows("recall", rows)
"""
    done = run_limited(store.path, code, size=8192)
    assert "RunError" in done.stderr
    assert [one.sample for one in store.read_rows("base", "recall")] == ["a"]
    assert hidden(store.path) == []


def run_limited(folder: Path, code: str, *, size: int) -> subprocess.CompletedProcess[str]:
    head = f"""
import resource
from pathlib import Path
from workbench.events import Evaluated
from workbench.runs.store import SweepStore
from workbench.scores.task import Row
from workbench.spec import Spec
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    return subprocess.run(
        [sys.executable, "-c", head + code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_writing_into_a_folder_that_was_removed_is_said(store):
    store.claim()
    for path in sorted(store.path.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    store.path.rmdir()
    with pytest.raises(RunError, match="could not be written"):
        store.append(Warned(code="x", message="y"))


def test_status_keeps_what_is_not_changed(store):
    store.set_status(trials={"r1-seed0": "done"}, message="hello")
    store.set_status(state="done", trials={"r1-seed1": "failed"})
    status = store.status()
    assert (status.state, status.message) == ("done", "hello")
    assert status.trials["r1-seed0"] == "done"
    assert status.trials["r1-seed1"] == "failed"
    assert status.trials["r4-seed0"] == "queued"
    assert json.loads((store.path / "status.json").read_text())["state"] == "done"
