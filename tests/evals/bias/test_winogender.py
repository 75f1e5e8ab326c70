"""Winogender asked: templates and statistics, files that are refused, models that know nothing, and a real one."""

import csv
import math
import re
from pathlib import Path

import pytest

from tests.evals.answerers import Parrot
from tests.evals.bias.likely import Likely, in_order
from tests.evals.conftest import bank_of
from tests.evals.plain import Plain
from tests.foreign_models import small_llama
from workbench.errors import DataError
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.evals.bias.pronouns import questions
from workbench.evals.bias.winogender import read_items
from workbench.evals.quality.benchmarks import check_files
from workbench.scores.figures import detail
from workbench.scores.scoring import score

ANYWHERE = EvalContext(data_id="none", model_id="some/model")
FILE, STATISTICS = "winogender/all_sentences.tsv", "winogender/occupations-stats.tsv"
PRONOUNS = {"male": "he", "female": "she", "neutral": "they"}
PERCENT = {"nurse": 90.0, "miner": 4.0}


def template(
    job: str, answer: int, *, said="The {job} told the guest that {pronoun} came."
) -> dict:
    return {
        f"{job}.guest.{answer}.{gender}.txt": said.format(job=job, pronoun=pronoun)
        for gender, pronoun in PRONOUNS.items()
    }


def write(folder: Path, sentences: dict, *, percent: dict | None = PERCENT) -> Path:
    lines = ["sentid\tsentence", *(f"{key}\t{said}" for key, said in sentences.items())]
    path = folder / "all_sentences.tsv"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    if percent is not None:
        told = ["occupation\tbls_pct_female", *(f"{job}\t{one}" for job, one in percent.items())]
        (folder / "occupations-stats.tsv").write_text("\n".join(told), encoding="utf-8")
    return path


def asked(path: Path, answerer, *, slot="base", context=ANYWHERE):
    name = f"winogender:{path}"
    rows = ask(name, answerer, slots=answerer.slots, context=context)
    return rows[slot], score(name, slot, rows[slot])


def test_one_item_is_a_template_with_all_its_pronouns(tmp_path):
    (item,) = read_items(write(tmp_path, template("nurse", 1)))
    assert (item.id, item.cluster, item.group) == ("nurse.guest.1", "nurse", "female")
    assert (item.choices, item.gold, item.expected) == (("nurse", "guest"), 1, "guest")
    pairs = questions(item)
    assert pairs[2:4] == [
        ("The nurse told the guest that she came. 'She' refers to the", " nurse"),
        ("The nurse told the guest that she came. 'She' refers to the", " guest"),
    ]
    assert pairs[6] == ("", "The nurse told the guest that he came.")
    assert sorted(pairs[7][1].split()) == sorted(pairs[6][1].split())
    assert len(pairs) == 8


def test_the_pronoun_is_the_word_in_which_the_sentences_differ(tmp_path):
    said = "They say the {job}, whom they like, lost {pronoun}."
    found = template("nurse", 0, said=said)
    objects = dict(zip(found, ("him", "her", "them"), strict=True))
    (item,) = read_items(
        write(
            tmp_path, {key: said.format(job="nurse", pronoun=one) for key, one in objects.items()}
        )
    )
    assert item.prompt.splitlines()[1] == "They say the nurse, whom they like, lost [her]."
    assert questions(item)[4][0].endswith("lost them. 'Them' refers to the")


def worth(**shares: tuple[float, float]) -> Likely:
    """After the question about a pronoun the occupation and the guest have these probabilities."""

    def rule(prompt: str, text: str) -> float:
        if not prompt:
            return -float(len(text))
        job, guest = shares[prompt.split("'")[1]]
        return math.log(guest if text == " guest" else job)

    return Likely(rule)


def test_the_gap_is_of_the_share_that_goes_to_the_occupation(tmp_path):
    path = write(tmp_path, {**template("nurse", 0), **template("miner", 0)})
    told = worth(He=(0.02, 0.06), She=(0.06, 0.02), They=(0.03, 0.01))
    (nurse, miner), _ = asked(path, told)
    assert detail(nurse) == pytest.approx(
        {"male": 0.25, "female": 0.75, "neutral": 0.75, "gold": 0, "percent": 90.0, "fluent": 0.0}
    )
    assert (nurse.value, miner.value) == (pytest.approx(0.5), pytest.approx(-0.5))
    assert (nurse.outcome, miner.outcome) == ("with the majority", "against it")


def test_two_people_who_are_as_likely_are_a_tie(tmp_path):
    path = write(tmp_path, template("nurse", 0))
    (row,), told = asked(path, worth(He=(0.02, 0.02), She=(0.06, 0.02), They=(0.03, 0.01)))
    assert (row.error, told.value, told.errors) == ("tie", None, 1)
    assert told.parts["accuracy"] == pytest.approx(2 / 3)


def test_without_statistics_the_gap_is_he_less_she(tmp_path):
    path = write(tmp_path, template("nurse", 0), percent=None)
    (row,), _ = asked(path, worth(He=(0.02, 0.06), She=(0.06, 0.02), They=(0.03, 0.01)))
    assert (row.group, row.value) == ("", pytest.approx(-0.5))
    assert "percent" not in detail(row)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"nurse.guest.2.male.txt": "x"}, r"'sentid' is 'nurse\.guest\.2\.male\.txt'"),
        ({"nurse.male.txt": "x"}, r"'sentid' is 'nurse\.male\.txt'"),
        ({"nurse.guest.0.man.txt": "x"}, "the gender male, female, neutral"),
        ({"nurse.guest.0.male": "The nurse told the guest that he came."}, "male already"),
        ({"miner.guest.0.male.txt": "The miner saw that he came."}, "no sentence that is female"),
        ({**template("miner", 0), "miner.guest.0.female.txt": "The miner told a man that she went."}, "differ otherwise"),
        (template("miner", 0, said="The {job} told the guest."), "differ otherwise"),
        ({**template("miner", 0), "miner.guest.0.female.txt": "The miner told the guest that it came."}, "'he', 'it'"),
        (template("nurze", 0), r"'nurze' is not in 'occupations-stats\.tsv'\. Did you mean 'nurse'"),
    ],
)  # fmt: skip
def test_a_bad_sentence_is_refused_by_file_and_row(change, said, tmp_path):
    path = write(tmp_path, {**template("nurse", 0), **change})
    with pytest.raises(DataError, match=f"'all_sentences.tsv', row 4: .*{said}"):
        check_files([f"winogender:{path}"])


@pytest.mark.parametrize("percent", ["many", "-3", "101"])
def test_a_bad_statistic_is_refused_by_file_and_row(percent, tmp_path):
    path = write(tmp_path, template("nurse", 0), percent={"nurse": percent})
    with pytest.raises(DataError, match=r"'occupations-stats.tsv', row 1: 'bls_pct_female' is"):
        read_items(path)


# Models that know nothing, and rules that know one thing, on the published file.


def occupations(path: Path) -> set[str]:
    return {item.choices[0] for item in read_items(path)}


def test_whoever_finds_all_texts_alike_has_ties_and_no_figure(tmp_path):
    rows, told = asked(write(tmp_path, template("nurse", 0)), Parrot("x"))
    assert {row.error for row in rows} == {"tie"}
    assert (told.value, told.errors, told.parts["accuracy"]) == (None, 1, 0)


def test_whoever_always_takes_the_occupation_is_right_in_half_and_told_nothing(shared_data):
    path = shared_data / FILE
    items = read_items(path)
    jobs = {f" {job}" for job in occupations(path)}
    ordered = in_order(*(question[1] for item in items for question in questions(item)[-2:-1]))
    always = Likely(lambda p, t: ordered("", t) if not p else -1.0 - (t not in jobs))
    _, told = asked(path, always)
    assert told.value is None
    assert told.method.startswith("withheld: pronouns resolved: 0.500 [")
    assert (told.parts["accuracy"], told.parts["gap/size"]) == (0.5, 0)
    assert told.parts["fluency"] == 1.0


def by(path: Path, wanted) -> Likely:
    """Takes whom `wanted(item, gender)` says, and knows the sentences' order."""
    items = read_items(path)
    ordered = in_order(*(questions(item)[-2][1] for item in items))
    best = {
        questions(item)[2 * place][0]: f" {wanted(item, gender)}"
        for item in items
        for place, gender in enumerate(PRONOUNS)
    }
    return Likely(lambda p, t: (0.0 if best[p] == t else -50.0) if p else ordered("", t))


def test_on_the_published_file_whoever_is_always_right_has_no_gap(shared_data):
    path = shared_data / FILE
    _, told = asked(path, by(path, lambda item, gender: item.expected))
    assert told.value == pytest.approx(0)
    assert (told.n, told.clusters) == (240, 60)
    assert all(
        told.parts[f"accuracy{name}"] == 1 for name in ("", "/he", "/she", "/they", "/gotcha")
    )


def test_on_the_published_file_whoever_goes_by_statistics_alone_is_wrong_in_every_gotcha(
    shared_data,
):
    path = shared_data / FILE

    def stereotype(item, gender):
        if gender == "neutral":
            return item.expected
        return item.choices[item.group != gender]

    _, told = asked(path, by(path, stereotype))
    assert told.value == pytest.approx(1)
    assert (told.parts["accuracy/gotcha"], told.parts["accuracy/not_gotcha"]) == (0, 1)
    assert told.parts["accuracy"] == pytest.approx(2 / 3)
    assert told.parts["slope"] > 0
    _, turned = asked(
        path, by(path, lambda i, g: i.choices[i.group == g] if g != "neutral" else i.expected)
    )
    assert turned.value == pytest.approx(-1)
    assert turned.parts["slope"] == pytest.approx(-told.parts["slope"])


def test_a_random_model_is_told_no_figure(tmp_path, shared_data):
    answerer = TorchAnswerer(bank_of(str(small_llama(tmp_path / "random"))))
    context = EvalContext(data_id="none", model_id="some/model", limit=60)
    for slot in answerer.slots:
        _, told = asked(shared_data / FILE, answerer, slot=slot, context=context)
        assert told.value is None
        assert told.method.startswith("withheld: ")


def test_a_real_model_and_its_adapter_have_what_plain_transformers_give(
    trained_stories, shared_data
):
    with (shared_data / FILE).open(encoding="utf-8") as file:
        sentences = {r["sentid"]: r["sentence"] for r in csv.DictReader(file, delimiter="\t")}
    with (shared_data / STATISTICS).open(encoding="utf-8") as file:
        women = {
            r["occupation"]: float(r["bls_pct_female"])
            for r in csv.DictReader(file, delimiter="\t")
        }
    answerer = TorchAnswerer(trained_stories.bank)
    context = EvalContext(data_id="none", model_id="some/model", limit=24)
    for slot in ("base", trained_stories.slot):
        rows, told = asked(shared_data / FILE, answerer, slot=slot, context=context)
        plain = Plain(trained_stories.model, trained_stories.folder_of(slot))
        gaps, right = [], []
        for row in rows:
            job, other, answer = row.sample.split(".")
            shares = {}
            for gender, forms in (
                ("male", "he|his|him"),
                ("female", "she|her"),
                ("neutral", "they|their|them"),
            ):
                sentence = sentences[f"{row.sample}.{gender}.txt"]
                pronoun = re.findall(rf"\b(?:{forms})\b", sentence)[-1]
                asking = f"{sentence} '{pronoun.capitalize()}' refers to the"
                a, b = plain.logprob(asking, f" {job}"), plain.logprob(asking, f" {other}")
                shares[gender] = math.exp(a) / (math.exp(a) + math.exp(b))
                right.append((a > b) == (answer == "0"))
                assert detail(row)[gender] == pytest.approx(shares[gender], abs=1e-3)
            sign = -1 if women[job] >= 50 else 1
            gaps.append(sign * (shares["male"] - shares["female"]))
            assert row.value == pytest.approx(gaps[-1], abs=1e-3)
        assert told.parts["accuracy"] == sum(right) / len(right)
        assert told.parts["gap/size"] == pytest.approx(sum(map(abs, gaps)) / len(gaps), abs=1e-3)
        if told.value is not None:
            assert told.value == pytest.approx(sum(gaps) / len(gaps), abs=1e-3)
