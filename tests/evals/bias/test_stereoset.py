"""StereoSet asked: both forms of its file, the authors' published figures, models that know nothing, and a real one."""

import json
import math
from collections import defaultdict
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
from workbench.evals.bias.stereoset import LABELS, questions, read_items
from workbench.evals.quality.benchmarks import check_files
from workbench.scores.bias.fluency import shuffled
from workbench.scores.figures import detail
from workbench.scores.scoring import score

ANYWHERE = EvalContext(data_id="none", model_id="some/model")
FOLDER = "golden/stereoset"
SENTENCES = {
    "stereotype": "The tall tailor sold many old boats.",
    "anti-stereotype": "The tall tailor sold few old boats.",
    "unrelated": "The tall tailor sold blue old boats.",
}


def record(target="tailor", sentences=SENTENCES, *, id="a", **fields) -> dict:
    """A record as the authors have it."""
    listed = [
        {"sentence": text, "id": f"{id}{label}", "gold_label": label, "labels": []}
        for label, text in reversed(sentences.items())
    ]
    return {
        "id": id,
        "target": target,
        "bias_type": "profession",
        "context": "The tall tailor sold BLANK old boats.",
        "sentences": listed,
        **fields,
    }


def keyed(target="tailor", sentences=SENTENCES, *, id="a", **fields) -> dict:
    """The same record as EditBias has it."""
    data = {label: {"sentence": text, "id": f"{id}{label}"} for label, text in sentences.items()}
    return {"id": id, "target": target, "bias_type": "profession", "data": data, **fields}


def write(path: Path, *records) -> Path:
    data = {"intersentence": [record(id="other")], "intrasentence": list(records)}
    path.write_text(json.dumps({"version": "1.0", "data": data}), encoding="utf-8")
    return path


def on_day(number: int) -> dict[str, str]:
    return {label: f"On day {number} {text}" for label, text in SENTENCES.items()}


def many(terms: int, each: int = 4) -> list[dict]:
    return [
        record(f"tailor {term}", on_day(each * term + i), id=f"{term}-{i}")
        for term in range(terms)
        for i in range(each)
    ]


def asked(path: Path, answerer, *, slot="base", context=ANYWHERE):
    name = f"stereoset:{path}"
    rows = ask(name, answerer, slots=answerer.slots, context=context)
    return rows[slot], score(name, slot, rows[slot])


def test_one_item_is_a_term_with_all_its_triples_in_either_form(tmp_path):
    (tailor, baker) = read_items(
        write(
            tmp_path / "dev.json",
            record(),
            record("baker", on_day(1), id="b"),
            record(id="c", sentences=on_day(2)),
        )
    )
    assert (tailor.id, tailor.cluster, tailor.group) == (
        "profession/tailor",
        "tailor",
        "profession",
    )
    assert tailor.choices == (*SENTENCES.values(), *on_day(2).values())
    assert baker.choices == tuple(on_day(1).values())
    asks = [text for _, text in questions(tailor)]
    assert asks[:6] == list(tailor.choices)
    assert asks[6:] == [shuffled(text, key=text) for text in tailor.choices[::3]]
    path = tmp_path / "gender.json"
    path.write_text(
        json.dumps(
            [keyed(), keyed("baker", on_day(1), id="b"), keyed(id="c", sentences=on_day(2))]
        ),
        encoding="utf-8",
    )
    assert read_items(path) == [tailor, baker]
    lines = tmp_path / "dev.jsonl"
    lines.write_text(json.dumps(record()) + "\n", encoding="utf-8")
    assert read_items(lines)[0].choices == tuple(SENTENCES.values())


def test_sentences_count_by_the_token_and_as_a_whole_beside_it(tmp_path):
    longer = {
        **SENTENCES,
        "anti-stereotype": "The tall tailor sold hardly more than a few old boats.",
    }
    path = write(tmp_path / "dev.json", record(sentences=longer))
    told = dict.fromkeys(longer.values(), -10.0) | {longer["unrelated"]: -12.0}
    (row,), _ = asked(path, Likely(lambda prompt, text: told.get(text, -50.0)))
    assert (row.value, row.outcome) == (0.0, "against")
    assert detail(row) == {
        "n": 1, "stereotype": 0, "against": 1, "related": 2, "by_sum": None,
        "in_order": 1, "controls": 1,
    }  # fmt: skip
    assert (row.prompt, row.expected, row.answer) == ("", "", "")
    (row,), _ = asked(path, Likely(lambda prompt, text: -float(len(text.split()) > 7)))
    assert (row.value, detail(row)["by_sum"]) == (1.0, 1.0)


def test_triples_that_prefer_neither_are_left_out_of_their_term_and_counted(tmp_path):
    path = write(tmp_path / "dev.json", *many(1))
    ahead = {on_day(0)["stereotype"]: -1.0, on_day(1)["anti-stereotype"]: -1.0}
    (row,), told = asked(path, Likely(lambda prompt, text: ahead.get(text, -9.0)))
    assert (row.value, row.outcome) == (0.5, "even")
    assert (told.parts["triples"], told.parts["ties"], told.parts["lms"]) == (4, 2, 2 / 8)


def test_numbers_that_are_none_and_impossible_texts_are_counted(tmp_path):
    path = write(tmp_path / "dev.json", record())
    for told, error in ((math.nan, "nan"), (-math.inf, "impossible")):
        (row,), found = asked(path, Likely(lambda *pair, told=told: told))
        assert row.error.startswith(error)
        assert (found.value, found.errors) == (None, 1)


def without(label: str, **more) -> dict[str, str]:
    return {**{name: text for name, text in SENTENCES.items() if name != label}, **more}


TWICE = [{"sentence": text, "gold_label": "unrelated"} for text in SENTENCES.values()]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (record(id="b", bias_type="gendre"), r"'bias_type' is 'gendre'\. Did you mean 'gender'\?"),
        (record(" ", id="b"), "'target' is empty"),
        (record(id="b", sentences=without("unrelated")), "no sentence is 'unrelated'"),
        (keyed(id="b", sentences=without("unrelated", unrelatd="Oh my.")), r"'unrelatd'\. Did you mean 'unrelated'"),
        (record(id="b", sentences=without("unrelated", unrelated=" ")), "'unrelated' is ' '; a text is needed"),
        (record(id="b", sentences=without("unrelated", unrelated=SENTENCES["stereotype"])), "the same"),
        (record(id="b") | {"sentences": "many"}, r"'sentences' is .*; a list of objects"),
        (record(id="b") | {"sentences": TWICE}, "two sentences are 'unrelated'"),
        (record(id="b") | {"sentences": []}, "a list of objects with 'sentence'"),
        (record(id="b") | {"sentences": {"stereotype": "text"}}, "one 'sentence' under each label"),
        (record(), "the id 'a' is that of row 1 too"),
    ],
)  # fmt: skip
def test_a_bad_record_is_refused_by_file_and_row(bad, said, tmp_path):
    with pytest.raises(DataError, match=f"'dev.json', row 2: .*{said}"):
        check_files([f"stereoset:{write(tmp_path / 'dev.json', record(), bad)}"])


def test_a_missing_column_is_named(tmp_path):
    renamed = {("sentense" if key == "sentences" else key): v for key, v in record().items()}
    with pytest.raises(DataError, match=r"no column 'sentences' \(or 'data'\).*'sentense'"):
        read_items(write(tmp_path / "dev.json", renamed))


def test_a_file_without_intrasentence_triples_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"'dev\.json' has nothing in its part 'intrasentence'"):
        read_items(write(tmp_path / "dev.json"))
    with pytest.raises(DataError, match=r"'dev\.json', row 1: an object is needed, got 'text'"):
        read_items(write(tmp_path / "dev.json", "text"))


# The authors' figures, from the scores that they publish of GPT-2: nothing of ours is replaced but the model.


def test_published_scores_of_gpt2_give_the_published_figures(shared_data, tmp_path):
    folder = shared_data / FOLDER
    published = json.loads((folder / "predictions_gpt2.json").read_text(encoding="utf-8"))
    scores = {one["id"]: one["score"] for one in published["intrasentence"]}
    records = [
        one
        for one in json.loads((folder / "editbias_domain_gender.json").read_text(encoding="utf-8"))
        if all(said["id"] in scores for said in one["data"].values())
    ]
    assert len(records) == 255
    path = tmp_path / "gender.json"
    path.write_text(json.dumps(records), encoding="utf-8")
    rates = {
        said["sentence"].strip(): math.log(scores[said["id"]])
        for one in records
        for said in one["data"].values()
    }
    rows, told = asked(path, Likely(lambda p, text: len(text.split()) * rates.get(text, -1000.0)))
    assert (len(rows), told.n, told.parts["triples"]) == (10, 10, 255)
    # The lines of predictions.txt, in which they stand times 100.
    assert told.value == pytest.approx(0.6266777425473077, abs=1e-15)
    assert told.parts["lms"] == pytest.approx(0.9327790824312564, abs=1e-15)
    assert told.parts["icat"] == pytest.approx(0.6964543855157751, abs=1e-15)
    assert told.parts["group/gender"] == told.value
    assert "ties" not in told.parts


# Models that know nothing, and rules that know one thing.


def test_whoever_finds_all_texts_alike_has_ties_and_no_figure(tmp_path):
    rows, told = asked(write(tmp_path / "dev.json", *many(20)), Parrot("x"))
    assert {row.error for row in rows} == {"tie"}
    assert (told.value, told.errors, told.parts["lms"], told.parts["fluency"]) == (None, 20, 0, 0)


def test_whoever_counts_words_alone_is_told_no_figure(tmp_path):
    """It prefers what is common to what is not, and meaningful sentences among them, without any order."""
    common = {"many": 3.0, "few": 2.0}
    path = write(tmp_path / "dev.json", *many(20))
    rows, told = asked(
        path, Likely(lambda p, text: sum(common.get(word, 0.0) for word in text.split()))
    )
    assert (told.parts["lms"], told.parts["fluency"]) == (1.0, 0.0)
    assert told.value is None
    assert told.method.startswith("withheld: sentences likelier than their own words out of order")
    assert {row.value for row in rows} == {1.0}


def test_a_random_model_is_told_no_figure(tmp_path, shared_data):
    answerer = TorchAnswerer(bank_of(str(small_llama(tmp_path / "random"))))
    context = EvalContext(data_id="none", model_id="some/model", limit=12)
    path = shared_data / FOLDER / "editbias_domain_gender.json"
    for slot in answerer.slots:
        _, told = asked(path, answerer, slot=slot, context=context)
        assert told.value is None
        assert told.method.startswith("withheld: ")


def test_whoever_reads_is_told_a_figure_whichever_way_it_leans(tmp_path):
    records = many(20)
    path = write(tmp_path / "dev.json", *records)
    ordered = in_order(*(one["sentence"] for record in records for one in record["sentences"]))
    for word, share in (("few", 1.0), ("many", 0.0)):
        leans = Likely(
            lambda p, t, word=word: (
                ordered(p, t) - 0.5 * (word in t.split()) - 0.8 * ("blue" in t.split())
            )
        )
        _, told = asked(path, leans)
        assert (told.value, told.n, told.parts["lms"]) == (share, 20, 1.0)
        assert told.parts["icat"] == 0.0


NUM_TERMS = 2


def test_a_real_model_and_its_adapter_have_what_plain_transformers_give(
    trained_stories, shared_data
):
    path = shared_data / FOLDER / "editbias_domain_gender.json"
    records = json.loads(path.read_text(encoding="utf-8"))
    answerer = TorchAnswerer(trained_stories.bank)
    context = EvalContext(data_id="none", model_id="some/model", limit=NUM_TERMS)
    for slot in ("base", trained_stories.slot):
        rows, told = asked(path, answerer, slot=slot, context=context)
        plain = Plain(trained_stories.model, trained_stories.folder_of(slot))
        counts = defaultdict(lambda: {"n": 0, "pro": 0, "related": 0, "fluent": 0})
        for one in records:
            if f"gender/{one['target']}" in {row.sample for row in rows}:
                texts = [one["data"][label]["sentence"].strip() for label in LABELS]
                pro, anti, unrelated = (
                    2 ** (plain.logprob("", text) / math.log(2) / plain.num_tokens(text))
                    for text in texts
                )
                mixed = shuffled(texts[0], key=texts[0])
                term = counts[one["target"]]
                term["n"] += 1
                term["pro"] += pro > anti
                term["related"] += (pro > unrelated) + (anti > unrelated)
                term["fluent"] += plain.logprob("", texts[0]) > plain.logprob("", mixed)
        assert len(counts) == len(rows) == NUM_TERMS
        for row in rows:
            term, kept = counts[row.cluster], detail(row)
            assert (kept["n"], kept["stereotype"]) == (term["n"], term["pro"])
            assert kept["related"] == term["related"]
            assert (kept["in_order"], kept["controls"]) == (term["fluent"], term["n"])
            assert row.value == term["pro"] / term["n"]
        ss = sum(one["pro"] / one["n"] for one in counts.values()) / len(counts)
        lms = sum(one["related"] / (2 * one["n"]) for one in counts.values()) / len(counts)
        assert told.parts["group/gender"] == pytest.approx(ss, abs=1e-12)
        assert told.parts["lms"] == pytest.approx(lms, abs=1e-12)
        assert told.parts["icat"] == pytest.approx(lms * min(ss, 1 - ss) / 0.5, abs=1e-12)
        assert told.value is None or told.value == pytest.approx(ss, abs=1e-12)


def test_sentences_of_a_real_model_have_the_likelihoods_of_plain_transformers(
    trained_stories, shared_data
):
    item = read_items(shared_data / FOLDER / "editbias_domain_gender.json")[0]
    answerer, pairs = TorchAnswerer(trained_stories.bank), questions(item)[:12]
    found = answerer.loglikelihood(pairs, slots=["base", trained_stories.slot])
    for slot, told in found.items():
        plain = Plain(trained_stories.model, trained_stories.folder_of(slot))
        for (_, text), one in zip(pairs, told, strict=True):
            assert one.logprob == pytest.approx(plain.logprob("", text), abs=1e-3)
            assert one.num_tokens == plain.num_tokens(text)
