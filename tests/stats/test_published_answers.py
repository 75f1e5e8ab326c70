"""Real answers of real systems: our figures are those that were computed from the same files elsewhere."""

import collections
import json
import re
import string

import pytest
from scipy import stats as scipy_stats

from workbench.stats import clustered_mean, mcnemar, mean_t, paired_difference, wilson


def words(text):
    """SQuAD's own normalisation: lower case, no punctuation, no articles."""
    kept = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


def f1(said, gold):
    said, gold = words(said), words(gold)
    shared = sum((collections.Counter(said) & collections.Counter(gold)).values())
    return 2 * shared / (len(said) + len(gold)) if shared else 0.0


def error(interval, *, groups):
    """The standard error behind a t interval."""
    return (interval.high - interval.low) / 2 / scipy_stats.t.ppf(0.975, groups - 1)


@pytest.fixture(scope="module")
def squad(shared_data):
    """Answers of two systems to the same questions: F1, exact match, paragraph and article of each."""
    systems = {
        name: json.loads((shared_data / "golden" / "squad" / f"{name}.json").read_text("utf-8"))
        for name in ("bert_ensemble", "rnet_plus_ensemble")
    }
    found = collections.defaultdict(list)
    articles = json.loads((shared_data / "xquad_en" / "xquad.en.json").read_text("utf-8"))["data"]
    for a, article in enumerate(articles):
        for p, paragraph in enumerate(article["paragraphs"]):
            for asked in paragraph["qas"]:
                gold = asked["answers"][0]["text"]
                for name, answers in systems.items():
                    said = answers[asked["id"]]
                    found[name, "f1"].append(100 * f1(said, gold))
                    found[name, "exact"].append(float(words(said) == words(gold)))
                found["paragraph"].append(f"{a}-{p}")
                found["article"].append(str(a))
    return found


def test_the_error_of_one_system_grows_with_the_clusters(squad):
    x = squad["bert_ensemble", "f1"]
    alone = mean_t(x)
    paragraphs = clustered_mean(x, clusters=squad["paragraph"])
    articles = clustered_mean(x, clusters=squad["article"])
    assert alone.value == pytest.approx(86.32, abs=0.005)
    assert (alone.n, paragraphs.clusters, articles.clusters) == (1190, 240, 48)
    assert error(alone, groups=1190) == pytest.approx(0.84, abs=0.005)
    assert error(paragraphs, groups=240) == pytest.approx(0.88, abs=0.005)
    # The figure elsewhere leaves out C/(C-1), which is 1 % at 48 clusters.
    assert error(articles, groups=48) == pytest.approx(1.24, abs=0.02)


def test_pairing_finds_in_f1_what_exact_match_cannot(squad):
    sides = [squad[name, "f1"] for name in ("bert_ensemble", "rnet_plus_ensemble")]
    paired = paired_difference(*sides)
    grouped = paired_difference(*sides, clusters=squad["article"])
    assert paired.value == pytest.approx(2.92, abs=0.01)
    assert error(paired, groups=1190) == pytest.approx(0.82, abs=0.005)
    assert error(grouped, groups=48) == pytest.approx(0.98, abs=0.015)
    assert grouped.p < 0.01
    exact = paired_difference(squad["bert_ensemble", "exact"], squad["rnet_plus_ensemble", "exact"])
    assert (exact.above, exact.below, exact.test) == (99, 74, "McNemar, exact")
    assert exact.p == pytest.approx(0.068, abs=5e-4)
    assert exact.low < 0 < exact.high


def test_two_systems_on_sums_differ_as_was_published(shared_data):
    path = shared_data / "golden" / "gsm8k" / "example_model_solutions.jsonl"
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    right = {
        name: [int(line[name]["is_correct"]) for line in lines]
        for name in ("6b_verification", "175b_finetuning")
    }
    shares = {name: wilson(sum(values), len(values)) for name, values in right.items()}
    assert [round(one.value, 4) for one in shares.values()] == [0.3904, 0.3472]
    found = paired_difference(right["6b_verification"], right["175b_finetuning"])
    assert (found.above, found.below) == (209, 152)
    assert found.p == mcnemar(209, 152) == pytest.approx(0.00315, abs=5e-6)
    assert found.low > 0
