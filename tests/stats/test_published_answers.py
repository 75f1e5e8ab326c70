"""Real answers of real systems: our figures are those that were computed from the same files elsewhere."""

import collections
import itertools
import json
import re
import string

import numpy as np
import pytest
from scipy import stats as scipy_stats

from workbench.stats import (
    bootstrap,
    cheapest_enough,
    clustered_mean,
    max_t,
    mcnemar,
    mean_t,
    paired_difference,
    swap_test,
    wilson,
)


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


PRINTED = {
    # system: EM, F1, its error with every question alone, with paragraphs and with articles together
    "bert_ensemble": (74.87, 86.32, 0.84, 0.88, 1.24),
    "rnet_plus_ensemble": (72.77, 83.41, 0.94, 1.02, 1.36),
}


@pytest.mark.parametrize("name", PRINTED)
def test_the_error_of_one_system_grows_with_the_clusters(squad, name):
    x = squad[name, "f1"]
    alone = mean_t(x)
    paragraphs = clustered_mean(x, clusters=squad["paragraph"])
    articles = clustered_mean(x, clusters=squad["article"])
    assert (alone.n, paragraphs.clusters, articles.clusters) == (1190, 240, 48)
    exact = sum(squad[name, "exact"]) / 1190
    errors = (
        error(alone, groups=1190),
        error(paragraphs, groups=240),
        error(articles, groups=48),
    )
    found = (100 * exact, alone.value, *errors)
    assert tuple(round(one, 2) for one in found) == PRINTED[name]


def test_pairing_finds_in_f1_what_exact_match_cannot(squad):
    sides = [squad[name, "f1"] for name in PRINTED]
    paired = paired_difference(*sides)
    grouped = paired_difference(*sides, clusters=squad["article"])
    errors = error(paired, groups=1190), error(grouped, groups=48)
    found = (paired.value, *errors, scipy_stats.pearsonr(*sides).statistic)
    assert tuple(round(one, 2) for one in found) == (2.92, 0.82, 0.98, 0.58)
    unpaired = sum(error(mean_t(x), groups=1190) ** 2 for x in sides) ** 0.5
    assert round(unpaired, 2) == 1.26
    assert grouped.p < 0.01
    exact = paired_difference(squad["bert_ensemble", "exact"], squad["rnet_plus_ensemble", "exact"])
    assert (exact.above, exact.below, exact.test) == (99, 74, "McNemar, exact")
    assert round(exact.p, 3) == 0.068
    assert exact.low < 0 < exact.high
    # The null comes with what it could have seen: more than was there.
    assert exact.detectable > exact.value


def test_drawing_articles_gives_the_error_that_the_formula_gives(squad):
    """A cluster bootstrap of F1, of the difference and of a metric that is no mean: the median of articles."""
    a, b = (np.array(squad[name, "f1"]) for name in PRINTED)
    clusters = squad["article"]
    found = bootstrap(lambda rows: float((a - b)[rows].mean()), n=1190, clusters=clusters)
    formula = paired_difference(a, b, clusters=clusters)
    assert found[1:3] == pytest.approx(formula[1:3], abs=0.25)
    both = np.concatenate([a, b])
    p = swap_test(lambda rows: float(both[rows].mean()), n=1190, clusters=clusters)
    assert p == pytest.approx(formula.p, abs=0.005)
    family = max_t([a - b, np.array(squad["bert_ensemble", "exact"]) - 0.75], clusters=clusters)
    assert family.p[0] < 0.02


@pytest.mark.parametrize(
    ("condition", "share", "times"), [("ambig", 0.547, 6.3), ("disambig", 0.935, 5.4)]
)
def test_questions_from_one_template_are_hardly_independent(shared_data, condition, share, times):
    path = shared_data / "golden" / "bbq" / "unifiedqa_Age.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    rows = [row for row in rows if row["context_condition"] == condition]
    right = [
        float(words(row["unifiedqa-t5-11b_pred_race"]) == words(row[f"ans{row['label']}"]))
        for row in rows
    ]
    alone = mean_t(right)
    grouped = clustered_mean(right, clusters=[row["question_index"] for row in rows])
    naive, clustered = error(alone, groups=alone.n), error(grouped, groups=25)
    assert (grouped.clusters, round(grouped.value, 3)) == (25, share)
    assert round(clustered / naive, 1) == times
    if condition == "ambig":
        assert (round(naive, 4), round(clustered, 4)) == (0.0116, 0.0727)


def test_four_systems_on_sums_differ_as_was_published(shared_data):
    path = shared_data / "golden" / "gsm8k" / "example_model_solutions.jsonl"
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    printed = {
        "6b_finetuning": 0.2168,
        "6b_verification": 0.3904,
        "175b_finetuning": 0.3472,
        "175b_verification": 0.5625,
    }
    right = {name: [int(line[name]["is_correct"]) for line in lines] for name in printed}
    shares = {name: round(wilson(sum(x), len(x)).value, 4) for name, x in right.items()}
    assert (len(lines), shares) == (1319, printed)
    found = paired_difference(right["6b_verification"], right["175b_finetuning"])
    assert (found.above, found.below) == (209, 152)
    assert found.p == mcnemar(209, 152)
    assert round(found.p, 5) == 0.00315
    assert found.low > 0
    pairs = list(itertools.combinations(right, 2))
    family = [np.subtract(right[one], right[other]) for one, other in pairs]
    p = dict(zip(pairs, max_t(family).p, strict=True))
    # The closest pair of six keeps its difference after the correction, and pays less than by Holm.
    closest = p["6b_verification", "175b_finetuning"]
    assert max(p.values()) == closest
    assert 0.001 < closest < 0.05
    cheap = cheapest_enough(
        right, cost={name: int(name.split("b_")[0]) for name in right}, margin=0.05
    )
    assert cheap.name == "175b_verification"
