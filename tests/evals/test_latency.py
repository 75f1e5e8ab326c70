import pytest

from tests.evals.answerers import Drifting
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.evals.latency.generation import BLOCKS, FEWEST_BLOCKS
from workbench.scores.scoring import score

TRUTH = {"base": 1.0, "r2": 1.5, "r4": 2.0}


def context(seconds: float = 10.0, **fields) -> EvalContext:
    return EvalContext(data_id="microworld/updates", latency_seconds=seconds, **fields)


def test_planted_latencies_are_found():
    answerer = Drifting(TRUTH, drift=0.0)
    found = ask("latency", answerer, slots=answerer.slots, context=context())
    for slot, milliseconds in TRUTH.items():
        told = score("latency", slot, found[slot])
        assert told.value == pytest.approx(milliseconds)
        assert told.parts["first_token_ms"] == pytest.approx(2 * milliseconds)
        assert told.n == BLOCKS


def test_a_machine_that_grows_slower_does_not_change_the_order():
    # Asked one after the other, the drift of 90 calls would be more than between the slots.
    answerer = Drifting(TRUTH, drift=0.02)
    found = ask("latency", answerer, slots=answerer.slots, context=context())
    for block in range(BLOCKS):
        assert found["base"][block].sample == found["r4"][block].sample
    gaps = [b.value - a.value for a, b in zip(found["base"], found["r4"], strict=True)]
    assert sum(gaps) / len(gaps) == pytest.approx(1.0, abs=0.05)


def test_every_block_times_every_slot_once_in_random_order():
    answerer = Drifting(TRUTH, drift=0.0)
    ask("latency", answerer, slots=answerer.slots, context=context())
    timed = [slot for slot, _ in answerer.calls][-3 * BLOCKS :]
    blocks = [tuple(timed[i : i + 3]) for i in range(0, len(timed), 3)]
    assert all(sorted(block) == sorted(TRUTH) for block in blocks)
    assert len(set(blocks)) > 3


def test_less_time_means_fewer_tokens_and_then_fewer_blocks():
    counts = []
    for seconds in (10.0, 1.0, 0.3, 0.0):
        answerer = Drifting(TRUTH, drift=0.0)
        found = ask("latency", answerer, slots=answerer.slots, context=context(seconds))
        counts.append((len(found["base"]), answerer.calls[-1][1]))
    assert counts[0] == (BLOCKS, 32)
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == (FEWEST_BLOCKS, 4)
    told = score("latency", "base", found["base"])
    assert told.low is not None


def test_a_slot_that_cannot_be_timed_leaves_the_others_their_times():
    class OutOfMemory(Drifting):
        def time_decode(self, slot, *, prompt_ids, new_tokens):
            if slot == "r2" and len(self.calls) > 6:
                raise RuntimeError("out of memory")
            return super().time_decode(slot, prompt_ids=prompt_ids, new_tokens=new_tokens)

    answerer = OutOfMemory(TRUTH, drift=0.0)
    found = ask("latency", answerer, slots=answerer.slots, context=context())
    assert score("latency", "r4", found["r4"]).value == pytest.approx(2.0)
    assert score("latency", "r2", found["r2"]).errors >= BLOCKS - 1


def test_a_real_model_is_timed(stories_bank):
    answerer = TorchAnswerer(stories_bank)
    found = ask("latency", answerer, slots=answerer.slots, context=context(0.5))
    for slot in answerer.slots:
        told = score("latency", slot, found[slot])
        assert told.n >= FEWEST_BLOCKS
        assert 0 < told.low <= told.value <= told.high
        assert all(row.seconds > 0 for row in found[slot])
        assert told.unit == "ms/token"
