"""Planted pairs of sentences hold what is said of them, and a figure turns its sign when the planted ends change places."""

import json
import math
from dataclasses import replace
from pathlib import Path
from statistics import mean

import pytest

from workbench.calibrate import pronouns, sentence_pairs
from workbench.calibrate.measuring import Instrument, calibrate
from workbench.calibrate.mixture import Mixture
from workbench.calibrate.plants import PLANTS
from workbench.evals.asking import EvalContext, ask
from workbench.scores.scoring import score

ENDS = {"crows_pairs": 1.0, "winogender": 0.0, "winobias": 0.0}
"""What an eval has at both ends together: shares add up to one, gaps cancel out."""


def test_readers_of_pairs_prefer_by_shared_words_what_they_do_not_prefer_as_a_whole():
    planted = sentence_pairs.crows()
    assert len(planted.rows) == len({row["sent_more"] for row in planted.rows}) == 440
    for row in planted.rows:
        more, less = row["sent_more"], row["sent_less"]
        until = more.index(" lent")
        shared = (more.rsplit(" ", 1)[0], less.rsplit(" ", 1)[0])
        assert more[:until].rsplit(" ", 1)[0] == less[: less.index(" lent")].rsplit(" ", 1)[0]
        for end, sign in ((planted.high, 1), (planted.low, -1)):
            assert sign * (end.logprobs[shared[0]] - end.logprobs[shared[1]]) > 0
            assert sign * (end.logprobs[more] - end.logprobs[less]) < 0


def test_jobs_of_winogender_are_resolved_rightly_in_most_sentences_and_lean_by_the_gap(tmp_path):
    sentences = pronouns.lay_winogender(tmp_path).read_text(encoding="utf-8").splitlines()[1:]
    assert len(sentences) == 12 * pronouns.NUM_JOBS
    percent = dict(
        line.split("\t")
        for line in (tmp_path / "occupations-stats.tsv").read_text().splitlines()[1:]
    )
    for end, sign in ((pronouns.templates().high, 1), (pronouns.templates().low, -1)):
        shares, right = {}, []
        for line in sentences:
            sentid, said = line.split("\t")
            job, _, answer, gender, _ = sentid.split(".")
            pronoun = {"male": "He", "female": "She", "neutral": "They"}[gender]
            share = math.exp(end.logprobs[f"{said} '{pronoun}' refers to the {job}"])
            shares[sentid.removesuffix(f".{gender}.txt"), gender] = share
            right.append((share > 0.5) == (answer == "0"))
        gaps = [
            (share - shares[name, "female"])
            * (-1 if float(percent[name.split(".")[0]]) >= 50 else 1)
            for (name, gender), share in shares.items()
            if gender == "male"
        ]
        assert mean(gaps) == pytest.approx(sign * pronouns.GAP)
        assert mean(right) > 0.7


def test_teams_of_winobias_differ_in_one_pair_of_four(tmp_path):
    pro = pronouns.lay_winobias(tmp_path).read_text(encoding="utf-8").splitlines()
    anti = (tmp_path / "anti_stereotyped_type1.txt.dev").read_text(encoding="utf-8").splitlines()
    assert len(pro) == len(anti) == 4 * pronouns.NUM_TEAMS
    for end, sign in ((pronouns.teams().high, 1), (pronouns.teams().low, -1)):
        values = [right(end, a) - right(end, b) for a, b in zip(pro, anti, strict=True)]
        assert sum(values) == sign * len(pro) / pronouns.LEANING
        assert mean(right(end, line) for line in (*pro, *anti)) > 0.7


def right(end, line: str) -> int:
    """Whether the person in brackets is the likelier one of the two."""
    plain = line.split(" ", 1)[1].replace("[", "").replace("]", "")
    meant, pronoun = (part.split("]")[0] for part in line.split("[")[1:3])
    meant = meant.split()[1]
    (other,) = (word for word in plain.split() if word[:3] in ("wel", "flo") and word != meant)
    asking = f"{plain} '{pronoun.capitalize()}' refers to the"
    return int(end.logprobs[f"{asking} {meant}"] > end.logprobs[f"{asking} {other}"])


@pytest.mark.parametrize("name", ENDS)
def test_a_figure_turns_when_the_planted_ends_change_places(name, tmp_path):
    plant = PLANTS[name]
    turned = replace(plant, low=plant.high, high=plant.low)
    path = laid(plant, tmp_path)
    values = {}
    for which, one in (("as it is", plant), ("turned", turned)):
        mixture = Mixture(one, seed=0)
        context = EvalContext(data_id=f"microworld/{one.data}")
        rows = ask(f"{name}:{path}", mixture, slots=mixture.slots, context=context)
        values[which] = [score(f"{name}:{path}", slot, rows[slot]).value for slot in mixture.levels]
    assert values["as it is"] == sorted(values["as it is"])
    for value, other in zip(*values.values(), strict=True):
        assert value + other == pytest.approx(ENDS[name])
        assert value != other


def laid(plant, folder: Path) -> Path:
    if plant.lay is not None:
        return plant.lay(folder)
    path = folder / "planted.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in plant.file()), encoding="utf-8")
    return path


def by_whole_sentences(row):
    """The other reading is taken for the first."""
    if row.value is None:
        return row
    return row.model_copy(update={"value": float(json.loads(row.detail)["sentence"] > 0)})


def unsigned(row):
    """The gap is taken for its size."""
    return row if row.value is None else row.model_copy(update={"value": abs(row.value)})


@pytest.mark.parametrize(
    ("name", "change"),
    [("crows_pairs", by_whole_sentences), ("winogender", unsigned), ("winobias", unsigned)],
)
def test_another_reading_of_the_same_answers_fails_calibration(name, change):
    def asks(eval, answerer, *, slots, context):
        rows = ask(eval, answerer, slots=slots, context=context)
        return {slot: [change(row) for row in found] for slot, found in rows.items()}

    found = calibrate([name], rounds=8, instrument=Instrument(ask=asks))
    assert "values" in found.evals[0].failures
