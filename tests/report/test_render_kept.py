"""A report made before is copied; whatever it is made of has changed, it is made anew."""

import json
import shutil

import pytest

from tests.compare.planted import plant
from workbench.report import kept, render, template
from workbench.report.press import FILES
from workbench.runs.store import SweepStore

TOLD = {"given": {"primary": "recall"}, "static": False, "state": "done"}


def name_of(sweep, **changes):
    return kept.key_of(sweep, template=template.found("comparison").path, told={**TOLD, **changes})


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return plant(
        tmp_path_factory.mktemp("kept") / "runs", right={1: 0.6, 4: 0.9}, n=40, evals=("recall",)
    )


@pytest.fixture
def sweep(planted, tmp_path):
    return shutil.copytree(planted, tmp_path / "planted")


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "peft-workbench" / "reports"


def test_the_same_report_again_is_a_copy(rendered, tmp_path):
    told = []
    again = render(
        rendered.sweep,
        tmp_path / "far" / "away.html",
        title="Ranks <b>compared</b>",
        progress=lambda done, of: told.append(done),
    )
    assert told == [], "no cell was run"
    cells = json.loads(again.with_suffix(".ipynb").read_text(encoding="utf-8"))["cells"]
    injected = next(c for c in cells if "injected-parameters" in c["metadata"].get("tags", []))
    way = "".join(injected["source"]).partition('path = "')[2].partition('"')[0]
    assert (again.parent / way).resolve() == rendered.sweep.resolve()
    html = again.read_text(encoding="utf-8")
    assert html.replace(way, "../runs/rank-sweep") == rendered.html


def test_a_copy_of_the_sweep_elsewhere_gives_the_same_name(planted, sweep):
    assert name_of(sweep) == name_of(planted)


@pytest.mark.parametrize(
    "change",
    [
        lambda sweep: (sweep / "calibration.json").write_text("{}"),
        lambda sweep: (sweep / "r4" / "scores" / "recall.json").unlink(),
        lambda sweep: (sweep / "r4" / "samples" / "recall.parquet").write_bytes(b"cut"),
        lambda sweep: (sweep / "r4" / "events.jsonl").open("a").write("{}\n"),
        lambda sweep: (sweep / "card.yaml").write_text("owner: Ann"),
        lambda sweep: sweep.rename(sweep.with_name("other")),
    ],
)
def test_whatever_a_report_reads_gives_another_name(sweep, change):
    before = name_of(sweep)
    change(sweep)
    after = sweep if sweep.exists() else sweep.with_name("other")
    assert name_of(after) != before


def test_what_no_report_reads_gives_the_same_name(sweep):
    before = name_of(sweep)
    (sweep / "answers.sqlite").write_bytes(b"1")
    (sweep / "r4" / "checkpoint").mkdir()
    (sweep / "r4" / "checkpoint" / "state.json").write_text("{}")
    (sweep / ".lock").write_text("")
    (sweep / "r4" / "events.jsonl").touch()
    assert name_of(sweep) == before


@pytest.mark.parametrize(
    "changes", [{"static": True}, {"state": "lost"}, {"given": {"primary": "facts"}}]
)
def test_other_words_give_another_name(planted, changes):
    assert name_of(planted, **changes) != name_of(planted)


def test_other_code_and_another_notebook_give_another_name(planted, tmp_path, monkeypatch):
    before = name_of(planted)
    copy = template.copied("comparison", tmp_path / "mine.ipynb")
    assert kept.key_of(planted, template=copy, told=TOLD) != before
    (tmp_path / "package").mkdir()
    for code in ("a = 1", "a = 2"):
        (tmp_path / "package" / "__init__.py").write_text(code)
        monkeypatch.setattr(kept.workbench, "__file__", str(tmp_path / "package" / "__init__.py"))
        assert name_of(planted) not in (before, "")
        before = name_of(planted)


def made(folder, size=10):
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).write_bytes(b"x" * size)
    return folder


def test_what_is_kept_comes_back_and_half_of_it_does_not(tmp_path, own_cache):
    kept.put("key", made(tmp_path / "made"))
    assert kept.get("key", files=FILES) == dict.fromkeys(FILES, b"x" * 10)
    assert kept.get("other", files=FILES) is None
    (own_cache / "key" / FILES[0]).unlink()
    assert kept.get("key", files=FILES) is None
    assert [one.name for one in own_cache.iterdir()] == ["key"]


def test_the_longest_unused_go_first(tmp_path, own_cache, monkeypatch):
    monkeypatch.setattr(kept, "MOST_BYTES", 100)
    folder = made(tmp_path / "made")
    for place, key in enumerate(("a", "b", "c")):
        kept.put(key, folder)
        kept.os.utime(own_cache / key, (place, place))
    assert kept.get("a", files=FILES)
    kept.put("d", folder)
    assert {one.name for one in own_cache.iterdir()} == {"a", "c", "d"}
    assert kept.get("b", files=FILES) is None


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    kept.put("key", made(tmp_path / "made"))
    assert kept.get("key", files=FILES) is None


def test_a_sweep_that_still_runs_is_not_kept(sweep, tmp_path, own_cache):
    from workbench.report.render import _key, _wanted

    store = SweepStore.open(sweep)
    wanted = _wanted(sweep, asked=None, given={}, is_static=False)
    assert _key(wanted)
    store.claim()
    assert _key(wanted) == ""
