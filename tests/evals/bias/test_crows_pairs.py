"""CrowS-Pairs asked: what of two sentences is judged, files that are refused, models that know nothing, and a real one."""

import csv
import difflib
import math
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
from workbench.evals.bias.crows_pairs import BIAS_TYPES, questions, read_items, shared_words
from workbench.evals.quality.benchmarks import check_files
from workbench.scores.bias.fluency import shuffled
from workbench.scores.figures import detail
from workbench.scores.scoring import score

ANYWHERE = EvalContext(data_id="none", model_id="some/model")
COLUMNS = ("sent_more", "sent_less", "stereo_antistereo", "bias_type")
PAIR = (
    "The tall tailor sold his old boat.",
    "The short tailor sold his old boat.",
    "stereo",
    "age",
)
FILE = "crows_pairs/crows_pairs_anonymized.csv"


def write(path: Path, *rows, columns=COLUMNS) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


def many(number: int) -> list[tuple[str, ...]]:
    return [
        (
            f"On day {i} the tall tailor sold his boat.",
            f"On day {i} the short tailor sold his boat.",
            *PAIR[2:],
        )
        for i in range(number)
    ]


def asked(path: Path, answerer, *, slot="base", context=ANYWHERE):
    name = f"crows_pairs:{path}"
    rows = ask(name, answerer, slots=answerer.slots, context=context)
    return rows[slot], score(name, slot, rows[slot])


def test_shared_words_are_judged_after_what_stands_before_them_in_each_sentence():
    more, less = shared_words(
        "The old man sold his boat to us.", "The two women sold her boat to us."
    )
    assert more == [("The old man", " sold"), ("The old man sold his", " boat to us.")]
    assert less == [("The two women", " sold"), ("The two women sold her", " boat to us.")]


@pytest.mark.parametrize(
    ("more", "less", "judged"),
    [
        ("Tall men sing well.", "Men sing well.", [("Tall men", " sing well.")]),
        ("Tailors are tall.", "Tailors are short.", []),
        ("Tall  men\tsing.", "Short  men\tsing.", [("Tall", "  men\tsing.")]),
        ("But men sing.", "men sing.", [("But", " men sing.")]),
    ],
)
def test_spaces_stay_and_words_before_the_first_difference_are_left_out(more, less, judged):
    assert shared_words(more, less)[0] == judged


def test_whole_sentences_and_the_words_out_of_order_are_asked_too(tmp_path):
    (item,) = read_items(write(tmp_path / "x.csv", PAIR))
    assert questions(item) == [
        ("", PAIR[0]),
        ("", PAIR[1]),
        ("The tall", " tailor sold his old boat."),
        ("The short", " tailor sold his old boat."),
        ("", shuffled(PAIR[0], key=item.id)),
    ]


def test_the_value_is_by_shared_words_and_no_sentence_is_kept(tmp_path):
    path = write(tmp_path / "x.csv", PAIR)
    rule = {
        ("", PAIR[0]): -9.0,
        ("", PAIR[1]): -7.0,
        ("The tall", " tailor sold his old boat."): -3.0,
    }
    (row,), _ = asked(path, Likely(lambda *pair: rule.get(pair, -5.0)))
    assert (row.value, row.outcome, row.group, row.kind) == (1.0, "stereotype", "age", "stereo")
    assert detail(row) == {"sentence": -2.0, "conditional": 2.0, "fluent": 0.0}
    assert (row.prompt, row.expected, row.answer) == ("", "", "")


def test_a_pair_that_differs_at_its_end_is_a_control(tmp_path):
    ends = ("The old tailor is so tall.", "The old tailor is so short.", "stereo", "age")
    rows, told = asked(write(tmp_path / "x.csv", ends), Likely(lambda *pair: -len(pair[1])))
    assert (rows[0].value, rows[0].error, told.n, told.errors) == (None, "", 0, 0)
    assert told.parts["nothing_follows"] == 1
    assert told.parts["by_sentence"] == 1.0


def test_a_pair_that_stands_there_twice_is_one_cluster(tmp_path):
    rows, _ = asked(write(tmp_path / "x.csv", PAIR, PAIR), Likely(lambda *pair: -1.0))
    assert rows[0].sample != rows[1].sample
    assert rows[0].cluster == rows[1].cluster != ""


def test_numbers_that_are_none_and_impossible_texts_are_counted(tmp_path):
    path = write(tmp_path / "x.csv", PAIR)
    for told, error in ((math.nan, "nan"), (-math.inf, "impossible")):
        (row,), found = asked(path, Likely(lambda *pair, told=told: told))
        assert row.error.startswith(error)
        assert (found.value, found.errors) == (None, 1)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("bias_type", "gendre", r"'bias_type' is 'gendre'\. Did you mean 'gender'\?"),
        ("bias_type", "martians", r"'bias_type' is 'martians'\. Known: age, "),
        ("stereo_antistereo", "stereotype", r"'stereo_antistereo' is 'stereotype'\. Did you mean"),
        ("sent_more", " ", "'sent_more' is empty"),
        ("sent_less", PAIR[0] + " ", "are the same sentence"),
        ("sent_less", "Nothing alike!", "share no word"),
    ],
)
def test_a_bad_pair_is_refused_by_file_row_and_column(column, value, said, tmp_path):
    bad = [value if name == column else cell for name, cell in zip(COLUMNS, PAIR, strict=True)]
    path = write(tmp_path / "bad.csv", PAIR, bad)
    with pytest.raises(DataError, match=f"'bad.csv', row 2: .*{said}"):
        check_files([f"crows_pairs:{path}"])


def test_a_missing_column_is_named(tmp_path):
    path = write(tmp_path / "bad.csv", PAIR, columns=("sent_mor", *COLUMNS[1:]))
    with pytest.raises(DataError, match=r"no column 'sent_more'.*'sent_mor'"):
        read_items(path)


def test_whoever_finds_all_texts_alike_has_ties_and_no_figure(tmp_path):
    rows, told = asked(write(tmp_path / "x.csv", *many(40)), Parrot("x"))
    assert {row.error for row in rows} == {"tie"}
    assert (told.value, told.n, told.errors) == (None, 0, 40)
    assert told.parts["fluency"] == 0


def test_a_random_model_is_told_no_figure(tmp_path, shared_data):
    model = small_llama(tmp_path / "random")
    answerer = TorchAnswerer(bank_of(str(model)))
    context = EvalContext(data_id="none", model_id="some/model", limit=60)
    for slot in answerer.slots:
        _, told = asked(shared_data / FILE, answerer, slot=slot, context=context)
        assert told.value is None
        assert "likelier than their own words out of order" in told.method


def test_whoever_knows_the_words_in_order_is_told_a_figure_whichever_way_it_leans(tmp_path):
    pairs = many(40)
    path = write(tmp_path / "x.csv", *pairs)
    ordered = in_order(*(text for pair in pairs for text in pair[:2]))
    for word, share in (("short", 1.0), ("tall", 0.0)):
        leans = Likely(lambda p, t, word=word: ordered(p, t) - 0.5 * (word in p))
        _, told = asked(path, leans)
        assert (told.value, told.n) == (share, 40)


def test_the_published_file_has_its_counts(shared_data):
    items = read_items(shared_data / FILE)
    assert len(items) == 1508
    assert [sum(item.group == name for item in items) for name in BIAS_TYPES] == [
        516, 262, 172, 159, 105, 87, 84, 63, 60,
    ]  # fmt: skip
    assert sum(item.kind == "stereo" for item in items) == 1290
    assert sum(not shared_words(*item.choices)[0] for item in items) == 147


NUM_ROWS = 40


def test_a_real_model_and_its_adapter_have_what_plain_transformers_give(
    trained_stories, shared_data, tmp_path
):
    with (shared_data / FILE).open(encoding="utf-8", newline="") as file:
        records = [r for r in csv.DictReader(file) if "  " not in r["sent_more"] + r["sent_less"]]
    records = records[:: len(records) // NUM_ROWS][:NUM_ROWS]
    rows = [[record[name] for name in COLUMNS] for record in records]
    path = write(tmp_path / "some.csv", *rows)
    answerer = TorchAnswerer(trained_stories.bank)
    for slot in ("base", trained_stories.slot):
        ours, told = asked(path, answerer, slot=slot)
        plain = Plain(trained_stories.model, trained_stories.folder_of(slot))
        hits, by_sentence, judged = [], [], 0
        for row, (more, less, *_) in zip(ours, rows, strict=True):
            kept = detail(row)
            whole = plain.logprob("", more) - plain.logprob("", less)
            assert kept["sentence"] == pytest.approx(whole, abs=1e-3)
            by_sentence.append(whole > 0)
            assert ("conditional" in kept) == (conditional(plain, more, less) is not None)
            if "conditional" in kept:
                ahead = conditional(plain, more, less)
                assert kept["conditional"] == pytest.approx(ahead, abs=1e-3)
                hits.append(ahead > 0)
            judged += plain.logprob("", more) > plain.logprob("", shuffled(more, key=row.sample))
        assert told.value == sum(hits) / len(hits)
        assert told.parts["by_sentence"] == sum(by_sentence) / len(by_sentence)
        assert told.parts["fluency"] == judged / NUM_ROWS
        assert told.parts["nothing_follows"] == NUM_ROWS - len(hits)


def conditional(plain: Plain, more: str, less: str) -> float | None:
    """How much likelier the unmodified words are in one sentence, the first ones left out, as plainly as can be."""
    a, b = more.split(), less.split()
    told = []
    for kind, i1, i2, j1, j2 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if kind == "equal" and (i1, j1) != (0, 0):
            for words, start, end, sign in ((a, i1, i2, 1), (b, j1, j2, -1)):
                before, after = " ".join(words[:start]), " ".join(words[start:end])
                told.append(sign * plain.logprob(before, f" {after}" if before else after))
    return sum(told) if told else None
