"""Every eval recovers what was planted, and the certificate that says so can be stored and read."""

import json
import math

import pytest

from workbench.calibrate import PLANTS, Certificate, calibrate
from workbench.calibrate.certificate import HALF_WIDTHS, judge
from workbench.calibrate.mixture import SPREAD
from workbench.calibrate.plants import IN_THE_MODEL, NOT_PLANTED
from workbench.cli import main
from workbench.cli.calibrating import tell_certificate
from workbench.errors import InputError, SpecError
from workbench.scores.catalog import EVALS

ROUNDS = 8


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return calibrate(rounds=ROUNDS)


@pytest.mark.parametrize("eval", PLANTS)
def test_an_eval_recovers_what_was_planted(certificate, eval):
    (found,) = [one for one in certificate.evals if one.eval == eval]
    assert found.passes, [check for check in found.checks if not check.ok]
    assert [level.planted for level in found.levels] == list(PLANTS[eval].levels)
    assert all(step.told_apart >= 0.8 * ROUNDS for step in found.steps)


def test_one_asking_of_any_eval_knows_every_level_to_five_points(certificate):
    for one in certificate.evals:
        assert max(level.once_half_width for level in one.levels) <= 0.05, one.eval


def test_an_interval_that_is_too_wide_fails(certificate):
    (found,) = [one for one in certificate.evals if one.eval == "recall"]
    first, *others = found.levels
    levels = [first.model_copy(update={"once_half_width": 0.051}), *others]
    checks = judge(levels, found.steps, false_alarms=found.false_alarms)
    assert [check.name for check in checks if not check.ok] == [HALF_WIDTHS]


def test_intervals_cover_as_often_as_they_say(certificate):
    levels = [level for one in certificate.evals for level in one.levels]
    covered, asked = (sum(getattr(one, name) for one in levels) for name in ("covered", "rounds"))
    # Levels share their draws, so that misses come together: a third of them counts.
    assert covered / asked > 0.95 - 3 * math.sqrt(0.05 * 0.95 / (asked / 3))


def test_the_certificate_names_every_eval_or_says_why_not(certificate):
    named = {one.eval for one in certificate.evals}
    assert named == set(PLANTS)
    assert named | set(certificate.left_out) == set(EVALS)
    assert not named & set(certificate.left_out)
    assert "clock" in certificate.left_out["latency"]


def test_what_is_planted_belongs_to_evals_that_exist():
    assert set(PLANTS) <= set(EVALS)
    assert set(NOT_PLANTED) <= set(EVALS) - set(PLANTS)
    assert set(IN_THE_MODEL) <= set(PLANTS)


@pytest.mark.parametrize("plants", [PLANTS, IN_THE_MODEL], ids=["oracle", "model"])
def test_levels_ascend_and_can_be_mixed(plants):
    for name, plant in plants.items():
        shares = [plant.share(level) for level in plant.levels]
        reach = SPREAD if name == "occupations" else 0.0
        assert shares == sorted(set(shares)), name
        assert len(shares) >= 3
        assert min(shares) - reach >= 0
        assert max(shares) + reach <= 1 + 1e-9


def test_a_certificate_is_the_same_after_a_trip_to_the_disk(certificate, tmp_path):
    path = tmp_path / "sweep" / "calibration.json"
    certificate.save(path)
    assert Certificate.load(path) == certificate
    certificate.save(path)
    assert json.loads(path.read_text())["passes"] is True


def test_only_a_certificate_is_replaced(certificate, tmp_path):
    thesis = tmp_path / "thesis.md"
    thesis.write_text("years of work")
    with pytest.raises(InputError, match=r"thesis\.md.*calibration\.json"):
        certificate.save(thesis)
    with pytest.raises(InputError, match="directory"):
        certificate.save(tmp_path)
    assert thesis.read_text() == "years of work"


def test_the_same_rounds_give_the_same_numbers():
    first, again = (calibrate(["occupations"], rounds=8).evals for _ in range(2))
    assert first == again


@pytest.mark.parametrize(
    ("evals", "rounds", "error", "says"),
    [
        (["latency"], 8, InputError, "clock of a machine.*recall"),
        (["recal"], 8, SpecError, "'recall'"),
        (["recall"], 2, InputError, "at least 8"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(evals, rounds, error, says):
    with pytest.raises(error, match=says):
        calibrate(evals, rounds=rounds)


def test_the_command_prints_planted_beside_recovered_and_stores_the_certificate(tmp_path, capsys):
    path = tmp_path / "calibration.json"
    asked = [
        "calibrate",
        "--evals",
        "occupations, classification",
        "--rounds",
        "8",
        "--out",
        str(path),
    ]
    assert main(asked) == 0
    shown = capsys.readouterr().out
    found = Certificate.load(path)
    for one in found.evals:
        assert f"passes {one.eval}" in shown
        for level in one.levels:
            assert f"{level.recovered:.3f} [{level.low:.3f}, {level.high:.3f}]" in shown
    assert "2 of 2 recover what was planted" in shown
    assert "OFF" not in shown


def test_what_failed_is_told_with_its_levels_and_checks(certificate, capsys):
    one = certificate.evals[0]
    levels = [level.model_copy(update={"off": True}) for level in one.levels]
    checks = judge(levels, one.steps, false_alarms=one.false_alarms)
    failed = one.model_copy(update={"levels": levels, "checks": checks, "passes": False})
    tell_certificate(certificate.model_copy(update={"evals": (failed,)}))
    shown = capsys.readouterr().out
    assert "FAILS  recall: 7 of 8 checks" in shown
    assert "FAILED values" in shown
    assert shown.count("OFF") == len(levels)


def test_progress_says_which_eval_and_which_round():
    said = []
    calibrate(["occupations", "letters"], rounds=8, progress=said.append)
    assert said[0] == "1 of 2: calibrating occupations on the oracle, round 1 of 8"
    assert said[-1] == "2 of 2: calibrating letters on the oracle, round 8 of 8"


def test_the_command_speaks_json_and_ends_on_bad_input(tmp_path, capsys):
    assert main(["calibrate", "--evals", "occupations", "--rounds", "8", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert Certificate.model_validate(told).passes
    assert main(["calibrate", "--evals", "recal"]) == 2
    assert "'recall'" in capsys.readouterr().err
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["calibrate", "--out", str(tmp_path / "notes.txt")]) == 2


@pytest.mark.soak
def test_every_eval_passes_at_full_length():
    found = calibrate()
    assert found.passes, [one for one in found.evals if not one.passes]
