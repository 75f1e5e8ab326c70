"""Time is what the parts of a step take on this machine, added up; S(K) is a sum of single runs over the shared one."""

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from workbench.plan import calibration as calibrations
from workbench.plan.calibration import Calibration, FewBits, Host, Point, at
from workbench.plan.lengths import allowed
from workbench.plan.plan import plan
from workbench.plan.shape import read_shape
from workbench.plan.targets import aim, counted
from workbench.plan.time import FIRST_STEP, Work, gain, step_seconds, training_seconds
from workbench.spec import Spec

RATE = 1e9
"""Multiplications and additions a second of a machine that was made up."""


def made_up(*, launch: float = 0.0, **changes) -> Calibration:
    """A machine whose products take their FLOPs at one rate, with so many seconds for every call besides."""
    sizes = list(product((16, 256), (16, 4096)))
    products = tuple(
        Point(width=w, tokens=n, seconds=launch + 2 * n * w * w / RATE) for w, n in sizes
    )
    nothing = tuple(Point(width=w, tokens=n, seconds=1e-30) for w, n in sizes)
    fields = {
        "host": calibrations.here(),
        "made": "2026-01-01",
        "took": 1.0,
        "products": {"float32": products},
        "blocks": nothing,
        "attention": nothing,
        "updates": {4: nothing, 32: nothing},
        "per_tensor": 0.0,
        "per_number": 0.0,
        "per_logit": 0.0,
    }
    return Calibration(**{**fields, **changes})


@pytest.fixture
def work(tiny: Callable[[str], Path]) -> Callable[..., Work]:
    def make(**fields) -> Work:
        spec = Spec.from_fields({"model": {"id": str(tiny("llama"))}, **fields})
        shape = read_shape(tiny("llama"))
        targets = aim(shape, adapter=spec.adapter)
        trainable = counted(shape, targets, adapter=spec.adapter)
        return Work(spec, shape, targets, trainable, allowed(20))

    return make


def test_full_training_takes_three_times_the_products_of_the_forward_pass(work) -> None:
    one = work(adapter={"peft_type": "FULL"}, train={"per_device_train_batch_size": 4})
    tokens, trained = 4 * 20, 4 * 19
    body = sum(m.in_features * m.out_features for m in one.shape.modules)
    head = one.shape.hidden * one.shape.vocabulary
    # What attention reads first needs no gradient of its input, which is the embedding's.
    first = [
        m for m in one.shape.modules if m.layer == 0 and m.target in ("q_proj", "k_proj", "v_proj")
    ]
    spared = sum(m.in_features * m.out_features for m in first)
    flops = 2 * tokens * (3 * body - spared) + 2 * 2 * trained * head
    assert step_seconds([one], calibration=made_up()) == pytest.approx(flops / RATE, rel=1e-6)


def test_more_steps_rows_and_accumulation_take_as_many_times_as_long(work) -> None:
    small, large = work(), work(train={"per_device_train_batch_size": 16})
    twice = work(train={"gradient_accumulation_steps": 2})
    pace = made_up()
    once = step_seconds([small], calibration=pace)
    assert step_seconds([large], calibration=pace) == pytest.approx(2 * once)
    assert step_seconds([twice], calibration=pace) == pytest.approx(2 * once)
    seven, eight = (training_seconds([small], steps=[n], calibration=pace) for n in (7, 8))
    assert eight - seven == pytest.approx(once)
    assert seven == pytest.approx((7 + FIRST_STEP) * once)


def test_who_has_fewer_steps_leaves_earlier(work) -> None:
    short, long = work(), work()
    pace = made_up()
    once = step_seconds([long], calibration=pace)
    taken = training_seconds([short, long], steps=[3, 10], calibration=pace)
    # Without a price for a call two slots take twice the time of one: 3 steps of both, then 7 of one.
    assert taken == pytest.approx((2 * (3 + FIRST_STEP) + 7) * once)


def test_nothing_is_gained_where_a_call_is_free_and_much_where_it_is_dear(work) -> None:
    trials = [work() for _ in range(4)]
    assert gain(trials, calibration=made_up()) == pytest.approx(1.0)
    # All of the time is that of the call: four trials share it.
    dear = made_up(launch=10.0)
    assert gain(trials, calibration=dear) == pytest.approx(4.0, rel=0.01)
    assert gain(trials[:1], calibration=dear) == pytest.approx(1.0)


def test_below_the_first_adapter_nothing_goes_back(work) -> None:
    every = work(adapter={"target_modules": ["down_proj"]})
    last = work(adapter={"target_modules": ["down_proj"], "layers_to_transform": [2]})
    pace = made_up()
    assert step_seconds([last], calibration=pace) < 0.8 * step_seconds([every], calibration=pace)


def test_a_point_that_was_measured_is_given_back_and_a_power_law_goes_on() -> None:
    points = [
        Point(width=w, tokens=n, seconds=1e-9 * w**2 * n) for w in (32, 128) for n in (64, 512)
    ]
    for point in points:
        assert at(points, width=point.width, tokens=point.tokens) == pytest.approx(point.seconds)
    assert at(points, width=64, tokens=100) == pytest.approx(1e-9 * 64**2 * 100)
    assert at(points, width=256, tokens=1024) == pytest.approx(1e-9 * 256**2 * 1024)


def test_a_calibration_made_beside_other_programs_says_so() -> None:
    assert made_up(others=0.1).said == made_up().said
    assert "while other programs used 1.3 cores" in made_up(others=1.3).said
    assert "workbench plan --calibrate" in made_up(others=1.3).said


def test_a_machine_that_is_measured_again_keeps_the_middle() -> None:
    found = made_up(per_logit=1.0)
    known = calibrations.pooled(None, found)
    for number in range(1, 4):
        known = calibrations.pooled(known, made_up(per_logit=1.0 + number))
    assert len(known.each) == 4
    # Without the least and the most.
    assert known.per_logit == pytest.approx((2 + 3) / 2)
    first = known.products["float32"][0]
    assert (first.width, first.seconds) == (16, pytest.approx(found.products["float32"][0].seconds))
    assert "the middle of 4 times" in known.said
    for _ in range(calibrations.MOST_TIMES):
        known = calibrations.pooled(known, made_up(per_logit=9.0))
    # Old ones are forgotten.
    assert len(known.each) == calibrations.MOST_TIMES
    assert known.per_logit == pytest.approx(9.0)
    # One that the machine stood still for says nothing.
    assert calibrations.pooled(known, made_up(per_logit=900.0)).per_logit == pytest.approx(9.0)


@pytest.mark.parametrize(
    "known",
    [
        {"others": 0.9},
        {"attention": (Point(width=16, tokens=16, seconds=5.0),)},
        {"few_bits": {4: FewBits(per_layer=1.0, per_number=1.0)}},
        {"host": calibrations.here().model_copy(update={"threads": 64})},
    ],
    ids=["disturbed", "other-points", "of-more-parts", "of-another-machine"],
)
def test_what_cannot_be_averaged_is_replaced(known) -> None:
    found = made_up(per_logit=1.0)
    assert calibrations.pooled(made_up(per_logit=3.0, **known), found) == found


def test_the_time_is_unknown_without_a_calibration_and_known_with_one(
    tiny: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    # Rows of both trials fit into one pass.
    fields = {"model": {"id": str(tiny("llama"))}, "sweep": {"seed": [0, 1]}}
    spec = Spec.from_fields({**fields, "train": {"max_length": 64}})
    before = plan(spec, num_rows=90)
    assert before.seconds is None
    assert before.time_said.startswith("time unknown: this machine is not calibrated")
    assert before.gain is None
    assert not before.gain_said
    assert calibrations.write(made_up(launch=1e-3)) is not None
    after = plan(spec, num_rows=90)
    assert after.seconds is not None
    assert after.time_said.startswith("training about")
    assert "calibrated on 2026-01-01" in after.time_said
    assert plan(spec).time_said.startswith("time unknown: how many rows")
    assert after.worth_fusing
    for said in (after.time_said, after.gain_said):
        assert said[1:] in after._repr_html_()
        assert said in json.dumps(after.model_dump(mode="json"), ensure_ascii=False)


def test_what_is_not_worth_fusing_is_said(
    tiny: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    calibrations.write(made_up())
    fields = {"model": {"id": str(tiny("llama"))}, "sweep": {"seed": [0, 1]}}
    planned = plan(Spec.from_fields(fields), num_rows=90)
    assert planned.worth_fusing is False
    assert "not worth fusing here" in planned.gain_said
    assert "not worth fusing here" in planned._repr_html_()
    alone = plan(Spec.from_fields({"model": {"id": str(tiny("llama"))}}), num_rows=90)
    assert alone.gain is None


def test_the_command_line_the_card_and_the_stored_plan_say_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from workbench.cli.commands import main
    from workbench.job import prepare

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    calibrations.write(made_up(launch=1e-3))
    spec = Spec.from_fields({"sweep": {"adapter.r": [1, 2]}})
    (tmp_path / "spec.yaml").write_text(spec.to_yaml())
    assert main(["plan", str(tmp_path / "spec.yaml")]) == 0
    told = capsys.readouterr().out
    assert main(["plan", str(tmp_path / "spec.yaml"), "--json"]) == 0
    as_json = json.loads(capsys.readouterr().out)
    stored = prepare(spec, runs=tmp_path / "runs").read_json("plan.json")
    assert as_json == {**stored, "room": as_json["room"]}
    for said in (stored["time_said"], stored["gain_said"], stored["rows_said"]):
        assert said
        assert said in told
    assert "allocator slack: " in told


def test_a_method_of_which_nothing_was_measured_has_no_time(
    tiny: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    calibrations.write(made_up())
    fields = {"model": {"id": str(tiny("llama"))}, "adapter": {"peft_type": "IA3"}}
    planned = plan(Spec.from_fields(fields), num_rows=90)
    assert planned.seconds is None
    assert "IA3 is not predicted" in planned.time_said


def test_a_calibration_of_another_machine_is_not_taken_for_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    here = calibrations.here()
    other = here.model_copy(update={"threads": here.threads + 1})
    assert calibrations.read() is None
    calibrations.write(made_up(host=other))
    assert calibrations.read() is None
    kept = calibrations.write(made_up())
    assert calibrations.read() == made_up()
    # A file that was put in its place from elsewhere, or cut.
    assert kept is not None
    kept.write_text(made_up(host=other).model_dump_json())
    assert calibrations.read() is None
    kept.write_text(made_up().model_dump_json()[:100])
    assert calibrations.read() is None


def test_a_cache_that_cannot_be_written_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert calibrations.write(made_up()) is None
    assert calibrations.read() is None


def test_threads_are_those_that_a_worker_would_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert calibrations.here().threads == 3
    assert isinstance(calibrations.here(), Host)


def test_a_quantized_layer_takes_its_calls_and_its_numbers_there_and_back(work) -> None:
    full, few = work(), work(quantization={"load_in_4bit": True})
    beyond = FewBits(per_layer=10.0, per_number=0.5)
    pace = made_up(few_bits={4: beyond, 8: FewBits(per_layer=1e3, per_number=1e3)})
    modules = few.shape.modules
    first = [m for m in modules if m.layer == 0 and m.target in ("q_proj", "k_proj", "v_proj")]
    expected = sum(
        (1 if module in first else 2) * (10.0 + 0.5 * module.in_features * module.out_features)
        for module in modules
    )
    taken = [step_seconds([one], calibration=pace) for one in (full, few)]
    assert taken[1] - taken[0] == pytest.approx(expected)
    # What was not measured is not guessed.
    assert step_seconds([few], calibration=made_up()) == pytest.approx(taken[0])
