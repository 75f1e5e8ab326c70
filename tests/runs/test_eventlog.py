"""Events: appended whole, tailed by offset, and each step shown once whatever crashed in between."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.events import Saved, Started, Step, Warned, to_line
from workbench.runs.eventlog import append_event, each_step_once, tail
from workbench.runs.store import SweepStore

TRIAL = "r4-seed0"


def step(number, *, attempt=1, loss=1.0, trial=TRIAL):
    return Step(
        trial=trial,
        attempt=attempt,
        step=number,
        epoch=number / 10,
        loss=loss,
        learning_rate=1e-3,
        grad_norm=1.0,
        num_tokens=64,
        seconds=0.1,
    )


def started(from_step, *, attempt):
    return Started(trial=TRIAL, attempt=attempt, total_steps=100, from_step=from_step)


def test_an_event_is_stamped_with_its_time_and_attempt(store):
    store.append(Saved(trial=TRIAL, step=3, what="adapter"))
    store.claim()
    assert store.claim() == 2
    store.append(Saved(trial=TRIAL, step=4, what="adapter"))
    first, second = store.events(TRIAL)
    assert (first.attempt, second.attempt) == (1, 2)
    assert 1.6e9 < first.time <= second.time


def test_events_of_the_sweep_of_a_trial_and_of_the_base_lie_apart(store):
    for trial in ("", TRIAL, "base"):
        store.append(Warned(trial=trial, code="x", message=trial))
    assert [event.message for event in store.events()] == [""]
    assert [event.message for event in store.events(TRIAL)] == [TRIAL]
    assert [event.message for event in store.events("base")] == ["base"]
    assert store.events("r1-seed0") == []


def test_a_loss_that_is_no_number_comes_back(store):
    store.append(step(1, loss=math.nan))
    store.append(step(2, loss=math.inf))
    first, second = store.steps(TRIAL)
    assert math.isnan(first.loss)
    assert second.loss == math.inf


def test_a_cut_line_is_skipped_and_the_next_event_is_whole(store):
    store.append(step(1))
    path = store.folder(TRIAL) / "events.jsonl"
    whole = path.read_bytes()
    for cut in range(1, len(whole) - 1):
        path.write_bytes(whole + whole[:cut])
        assert len(store.events(TRIAL)) == 1
        store.append(step(2))
        assert [event.step for event in store.events(TRIAL)] == [1, 2]


def test_a_line_that_only_lacks_its_newline_counts_once(store):
    store.append(step(1))
    path = store.folder(TRIAL) / "events.jsonl"
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    events, offset = store.tail(TRIAL, 0)
    assert len(events) == 1
    store.append(step(2))
    assert [event.step for event in store.tail(TRIAL, offset)[0]] == [2]
    assert [event.step for event in store.events(TRIAL)] == [1, 2]


@pytest.mark.parametrize(
    "line",
    [b"{}", b"null", b"\xff\xfe", b'{"event":"dance"}', b"[" * 5000, b"", b"   ", b"\x00" * 80],
)
def test_a_line_that_is_no_event_is_skipped(store, line):
    store.append(step(1))
    path = store.folder(TRIAL) / "events.jsonl"
    path.write_bytes(path.read_bytes() + line + b"\n")
    store.append(step(2))
    assert [event.step for event in store.events(TRIAL)] == [1, 2]


def test_a_tail_gives_each_event_once_however_the_file_grows(tmp_path):
    whole = "".join(to_line(step(number, trial="Zoë")) + "\n" for number in range(1, 30)).encode()
    path, offset, seen = tmp_path / "events.jsonl", 0, []
    for size in range(0, len(whole) + 1, 37):
        path.write_bytes(whole[:size])
        events, offset = tail(path, offset)
        seen += [event.step for event in events]
    path.write_bytes(whole)
    seen += [event.step for event in tail(path, offset)[0]]
    assert seen == list(range(1, 30))
    assert tail(path, len(whole)) == ([], len(whole))


def test_a_log_that_was_put_anew_is_read_from_its_beginning(tmp_path):
    path = tmp_path / "events.jsonl"
    for number in range(5):
        append_event(path, step(number))
    _, offset = tail(path, 0)
    path.unlink()
    assert tail(path, offset) == ([], 0)
    append_event(path, step(9))
    assert [event.step for event in tail(path, offset)[0]] == [9]


def test_ten_thousand_steps_are_tailed_by_the_last_few(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text("".join(to_line(step(number)) + "\n" for number in range(10_000)))
    events, offset = tail(path, 0)
    assert (len(events), offset) == (10_000, path.stat().st_size)
    append_event(path, step(10_000))
    events, after = tail(path, offset)
    assert [event.step for event in events] == [10_000]
    assert after == path.stat().st_size


def test_steps_behind_a_checkpoint_are_taken_back():
    first = [started(0, attempt=1), *(step(n, loss=1.0) for n in range(1, 8))]
    second = [started(5, attempt=2), step(6, attempt=2, loss=2.0)]
    found = each_step_once(first + second)
    assert [(one.step, one.loss) for one in found] == [(n, 1.0) for n in range(1, 6)] + [(6, 2.0)]


def test_an_attempt_that_never_began_takes_nothing_back():
    assert len(each_step_once([started(0, attempt=1), step(1), step(2)])) == 2


def test_a_late_line_of_an_earlier_attempt_is_not_shown():
    found = each_step_once(
        [step(1), started(0, attempt=2), step(1, attempt=2, loss=5.0), step(1), step(2)]
    )
    assert [(one.step, one.attempt) for one in found] == [(1, 2)]


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 5)), min_size=1, max_size=6))
@settings(max_examples=200, deadline=None)
def test_a_run_of_crashes_ends_with_the_steps_of_a_run_without(crashes):
    """Each attempt goes on from a multiple of `every` behind it, runs a while, and dies."""
    events, done = [], 0
    for attempt, (length, every) in enumerate(crashes, start=1):
        begin = done // every * every
        events.append(started(begin, attempt=attempt))
        events += [step(n, attempt=attempt) for n in range(begin + 1, begin + length + 1)]
        done = begin + length
    found = each_step_once(events)
    assert [one.step for one in found] == list(range(1, done + 1))
    last = {event.step: event.attempt for event in events if isinstance(event, Step)}
    assert [one.attempt for one in found] == [last[n] for n in range(1, done + 1)]


def test_another_reader_sees_what_was_appended_at_once(store):
    other = SweepStore.open(store.path)
    store.append(step(1))
    events, offset = other.tail(TRIAL, 0)
    store.append(step(2))
    assert [one.step for one in events + other.tail(TRIAL, offset)[0]] == [1, 2]
