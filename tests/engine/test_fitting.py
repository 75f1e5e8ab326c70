"""Where memory or the disk is too small a step is taken in smaller passes, a checkpoint is left out, and training goes on."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.engine import equality
from workbench.engine.fitting import ran_out
from workbench.engine.forward import Forward
from workbench.engine.loop import train
from workbench.events import Failed, Savepoint, Warned

STEPS = 6


@contextmanager
def limited(kind: int, value: int) -> Iterator[None]:
    before = resource.getrlimit(kind)
    resource.setrlimit(kind, (value, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(kind, before)


def trained(folder):
    trials = equality.trials("llama", steps=STEPS)
    data = [equality.rows(21, seed=index) for index in range(len(trials))]
    bank = equality.bank("llama", trials)
    slots = equality.slots(trials, data, folder=folder)
    for slot in slots:
        slot.train = slot.train.model_copy(update={"save_steps": 2})
    return train(bank, slots)


def test_a_step_that_does_not_fit_is_taken_again_in_smaller_passes(tmp_path, monkeypatch) -> None:
    undisturbed = equality.losses(list(trained(tmp_path / "a")))
    plain, tried = Forward.losses, []

    def losses(self, one):
        tokens = sum(len(part.row.input_ids) for part in one)
        tried.append(tokens)
        found = plain(self, one)
        if tokens > 150:
            # What an allocator says that has no more to give; it came after half of the step was computed.
            raise RuntimeError(
                "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"
            )
        return found

    monkeypatch.setattr(Forward, "losses", losses)
    told = list(trained(tmp_path / "b"))
    assert not [event for event in told if isinstance(event, Failed)]
    shrunk = [event for event in told if isinstance(event, Warned) and event.code == "memory"]
    assert len(shrunk) == 4, "2048 tokens, then 1024, 512, 256, and 128 fit"
    assert max(tried[-20:]) <= 150, "it stays so"
    assert {event.pass_tokens for event in told if isinstance(event, Savepoint)} >= {128}
    disturbed = equality.losses(told)
    for name, expected in undisturbed.items():
        assert disturbed[name] == pytest.approx(expected, rel=1e-5)


def test_what_is_no_shortage_of_memory_is_not_taken_for_one() -> None:
    assert ran_out(MemoryError())
    assert ran_out(RuntimeError("CUDA out of memory. Tried to allocate"))
    assert not ran_out(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not ran_out(ValueError("out of memory"))


def test_a_checkpoint_that_cannot_be_written_is_said_and_training_goes_on(tmp_path) -> None:
    undisturbed = equality.losses(list(trained(tmp_path / "a")))
    with limited(resource.RLIMIT_FSIZE, 512):
        told = list(trained(tmp_path / "b"))
    refused = [event for event in told if isinstance(event, Warned)]
    assert {event.code for event in refused} == {"checkpoint"}
    assert all("could not be written" in event.message for event in refused)
    assert len([event for event in told if isinstance(event, Savepoint)]) <= 2, (
        "before the first step, after the last"
    )
    assert not list((tmp_path / "b").rglob("*.safetensors")), "no half checkpoint is left"
    assert equality.losses(told) == undisturbed


@pytest.mark.parametrize("harm", ["cut", "other version", "other rows", "gone"])
def test_a_checkpoint_that_cannot_be_read_begins_anew_and_says_why(tmp_path, harm) -> None:
    whole = equality.losses(list(trained(tmp_path / "a")))
    list(
        zip(trained(tmp_path / "b"), range(40), strict=False)
    )  # some steps, then nobody asks any more
    (path,) = (tmp_path / "b" / "t0").glob("step-*4.safetensors")
    content = path.read_bytes()
    if harm == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif harm == "other version":
        path.write_bytes(content.replace(b'\\"format\\": 2', b'\\"format\\": 1'))
    elif harm == "other rows":
        path.write_bytes(content.replace(b'\\"fingerprint\\": \\"t0', b'\\"fingerprint\\": \\"u0'))
    trials = equality.trials("llama", steps=STEPS)
    slot = equality.slots(trials, [equality.rows(21, seed=0)] * len(trials), folder=tmp_path / "b")[
        0
    ]
    slot.from_step = 4
    if harm == "gone":
        path.unlink()
    told = list(train(equality.bank("llama", trials), [slot]))
    (warned,) = (event for event in told if isinstance(event, Warned))
    assert warned.code == "checkpoint"
    assert "begins anew" in warned.message
    assert equality.losses(told)["t0"] == pytest.approx(whole["t0"], rel=1e-5)
