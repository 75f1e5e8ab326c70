"""Commands to a running sweep: taken in order, each once; nonsense is put aside and said."""

import json
import os

import pytest

from workbench.errors import StoreError
from workbench.runs import control
from workbench.runs.control import Command

TRIALS = ("r1-seed0", "r4-seed0")


def test_commands_are_taken_in_order_and_once(store):
    control.send(store.path, "pause")
    control.send(store.path, "resume")
    control.send(store.path, "stop", trial="r4-seed0")
    assert control.take(store.path, trials=TRIALS) == [
        Command(command="pause"),
        Command(command="resume"),
        Command(command="stop", trial="r4-seed0"),
    ]
    assert control.take(store.path, trials=TRIALS) == []
    assert list((store.path / "control").iterdir()) == []


def test_the_name_of_a_command_tells_when_who_and_what(store):
    first, second = control.send(store.path, "stop"), control.send(store.path, "stop")
    moment, pid, word = first.name.split("-")
    assert (int(pid), word) == (os.getpid(), "stop.json")
    assert int(moment) < int(second.name.split("-")[0])


def test_older_times_come_first_whatever_their_length(store):
    for moment, word in ((900, "pause"), (1000, "resume")):
        (store.path / "control" / f"{moment}-1-{word}.json").write_text(
            json.dumps({"command": word})
        )
    assert [one.command for one in control.take(store.path, trials=TRIALS)] == ["pause", "resume"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not JSON"),
        (b"stop", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 9000, "not JSON"),
        (b"[]", "a mapping"),
        (b'"stop"', "a mapping"),
        (b'{"command": ["stop"]}', "a mapping"),
        (b'{"command": "stop", "trial": 3}', "a mapping"),
        (b"{}", "no command"),
        (b'{"command": "stpo"}', "Did you mean 'stop'"),
        (b'{"command": "rm -rf"}', "no command"),
        (b'{"command": "stop\\ud800"}', "no command"),
        (b'{"command": "stop", "trial": "r4-sed0"}', "Did you mean 'r4-seed0'"),
        (b'{"command": "stop", "trial": "../x"}', "no trial"),
        (b" " * 20_000, "no small plain file"),
    ],
)
def test_nonsense_is_put_aside_and_said(store, content, problem):
    (store.path / "control" / "nonsense").write_bytes(content)
    control.send(store.path, "stop")
    nonsense, stop = control.take(store.path, trials=TRIALS)
    assert problem in nonsense.problem
    assert isinstance((nonsense.problem + nonsense.command + nonsense.trial).encode(), bytes)
    assert stop == Command(command="stop")
    assert list((store.path / "control").iterdir()) == []


def test_a_name_that_is_no_text_is_put_aside_too(store):
    (store.path / "control" / os.fsdecode(b"\xff.json")).write_text("?")
    (nonsense,) = control.take(store.path, trials=TRIALS)
    assert isinstance(nonsense.problem.encode(), bytes)


def test_a_pipe_or_a_link_is_not_opened(store, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text('{"command": "stop"}')
    os.mkfifo(store.path / "control" / "pipe.json")
    (store.path / "control" / "link.json").symlink_to(secret)
    found = control.take(store.path, trials=TRIALS)
    assert ["no small plain file" in one.problem for one in found] == [True, True]
    assert secret.exists()
    assert list((store.path / "control").iterdir()) == []


def test_a_command_still_being_written_waits(store):
    (store.path / "control" / ".123-1-stop.json.1.tmp").write_text('{"comm')
    (store.path / "control" / "folder").mkdir()
    assert control.take(store.path, trials=TRIALS) == []


def test_what_waits_is_taken_back_by_whoever_is_quicker(store):
    control.send(store.path, "drop", trial=TRIALS[0], at=90)
    control.send(store.path, "stop", at=120)
    drop, stop = control.waiting(store.path, trials=TRIALS)
    control.withdraw(store.path, drop)
    assert control.waiting(store.path, trials=TRIALS) == [stop]
    assert control.take(store.path, trials=TRIALS, number=1) == [stop]
    for gone in (drop, stop):
        with pytest.raises(StoreError, match="waits no more: the worker has taken it"):
            control.withdraw(store.path, gone)
    assert control.taken(store.path, trials=TRIALS) == [stop], "what is followed stays"


def test_a_command_that_is_taken_back_while_the_worker_reads_is_not_followed(store, monkeypatch):
    control.send(store.path, "stop")
    (stop,) = control.waiting(store.path, trials=TRIALS)
    read = control._read

    def taken_back_first(file, *, trials):
        control.withdraw(store.path, stop)
        return read(file, trials=trials)

    monkeypatch.setattr(control, "_read", taken_back_first)
    assert control.take(store.path, trials=TRIALS) == []


def test_a_sweep_without_a_control_folder_has_no_commands(store):
    (store.path / "control").rmdir()
    assert control.take(store.path, trials=TRIALS) == []
    control.send(store.path, "stop")
    assert control.take(store.path, trials=TRIALS) == [Command(command="stop")]


def test_what_cannot_be_sent_is_said_at_once(store, tmp_path):
    with pytest.raises(StoreError, match="Did you mean 'pause'"):
        control.send(store.path, "puase")
    with pytest.raises(StoreError, match="Did you mean 'r4-seed0'"):
        control.send(store.path, "stop", trial="r4-sed0")
    with pytest.raises(StoreError, match="is no sweep"):
        control.send(tmp_path, "stop")
    assert list((store.path / "control").iterdir()) == []
