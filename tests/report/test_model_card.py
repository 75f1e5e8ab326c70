"""A model card says what the run stored and what people stated, in the Hub's format, and nothing that a stranger wrote is markup."""

import hashlib
import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
import yaml
from huggingface_hub import ModelCard, ModelCardData
from huggingface_hub.repocard_data import model_index_to_eval_results
from markdown_it import MarkdownIt

from tests.compare.planted import calibrated, certified, plant
from workbench.cli import main
from workbench.compare import compare
from workbench.compare.signs import written_out
from workbench.errors import SpecError, StoreError
from workbench.report import markdown as md
from workbench.report.card_evaluation import about
from workbench.report.card_metadata import HUB_LICENSES
from workbench.report.model_card import card, write
from workbench.report.stated import Stated
from workbench.runs.store import SweepStore
from workbench.scores.catalog import EVALS
from workbench.scores.task import BASE

STATED = {
    "owner": "Ada Lovelace, Analytical Engines",
    "contact": "ada@example.org",
    "license": "Apache-2.0",
    "language": "en",
    "intended_use": ["Answering questions about harbours.", "Teaching."],
    "out_of_scope_use": "Decisions about people.",
    "limitations": "It knows harbours only.\n\nIt was trained in a day.",
    "data_origin": "Written by hand in 2024; see https://example.org/rows_1.",
    "data_personal": "None.",
    "data_consent": "Not needed.",
    "data_retention": "Deleted after a year.",
}

PAYLOADS = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "<!-- gone", "</details>",
    "<a href='javascript:alert(1)'>x</a>", "[x](javascript:alert(1))", "![x](https://evil.example/p.png)",
    "[x][1]\n\n[1]: https://evil.example", "<https://evil.example>", "https://evil.example/a_b", "www.evil.example",
    "ann@evil.example", "# heading", "a\n===", "a\n---\n", "---\nlicense: evil\n---", "\n---\n", "- a\n- b", "1. a", "> q",
    "```\nfence", "`code`", "``a`b``", "*a* **b** _c_ __d__", "~~a~~", "a | b | c", "| a |\n|---|\n| b |", "\\", "a\\|b",
    "&lt;b&gt;", "&#60;b&#62;", "{{ 7*7 }}", "{% raw %}", "$$x$$", "\u202eevil\u202c", "a\x07b\x00c", "a: b # c",
    "!!python/object:os.system", "&anchor *alias", "[^1]\n\n[^1]: note", "<details open ontoggle=alert(1)>",
    "x" * 5000, "\tindented", "    code block", "+ a", "***", "<style>*{display:none}</style>", "]]>", "%3Cscript%3E",
)  # fmt: skip


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    path = plant(
        tmp_path_factory.mktemp("cards"), right={4: 0.66, 16: 0.97}, n=120, seeds=(0, 1), leaks=3
    )
    for trial in SweepStore.open(path).trials:
        (path / trial.name / "adapter").mkdir()
    return path


@pytest.fixture(scope="module")
def text(sweep):
    return card(sweep, "r16-seed1", stated=Stated.of(STATED))


@pytest.fixture
def alone(tmp_path):
    """A sweep of one trial that a test may write into."""
    path = plant(tmp_path / "runs", right={4: 0.66}, n=40)
    (path / "r4" / "adapter").mkdir()
    return path


class Page(HTMLParser):
    """The elements of a rendered card."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
        self.feed(parser.render(ModelCard(text).text))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def shown(self):
        return "".join(self.words)


def test_the_hub_library_reads_it_back_as_it_was_written(text, tmp_path):
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    loaded = ModelCard.load(tmp_path / "README.md")
    assert str(loaded) == text
    assert loaded.data.library_name == "peft"
    assert loaded.data.pipeline_tag == "text-generation"
    assert loaded.data.license == "apache-2.0"
    assert loaded.data.tags == ["lora", "peft-workbench"]
    assert loaded.data.language == ["en"]


def test_every_result_in_the_metadata_is_the_stored_score_and_verified_by_nobody(sweep, text):
    _, results = model_index_to_eval_results(ModelCard(text).data.to_dict()["model-index"])
    store = SweepStore.open(sweep)
    assert {one.dataset_type for one in results} == {"recall", "paraphrase", "facts"}
    for one in results:
        score = store.read_score("r16-seed1", one.dataset_type)
        assert one.metric_value == score.value
        told = {key: one.metric_args[key] for key in ("low", "high", "n")}
        assert told == {"low": score.low, "high": score.high, "n": score.n}
        assert one.verified is False


def test_what_the_hub_checks_has_its_form(text):
    data = ModelCard(text).data.to_dict()
    assert data["license"] in HUB_LICENSES
    assert "base_model" not in data
    assert "datasets" not in data
    for result in data["model-index"][0]["results"]:
        assert re.fullmatch(r"(?:[\w-]+/)?[\w.-]+", result["dataset"]["type"])
        assert result["dataset"]["name"]
        assert result["task"]["type"] == data["pipeline_tag"]
        for metric in result["metrics"]:
            assert re.fullmatch(r"[a-z0-9_.]+", metric["type"])
            assert isinstance(metric["value"], float)


def test_a_base_and_data_of_the_hub_are_named_and_those_of_a_disk_are_not(alone):
    fields = yaml.safe_load((alone / "spec.yaml").read_text())
    sets = [
        {"source": "glue:sst2", "kind": "hub", "license": "unknown"},
        {"source": "/data/ann/secret.jsonl", "kind": "file"},
    ]
    (alone / "data-card.json").write_text(json.dumps({"sets": sets}))
    for id, named in (("owner/base-7b", "owner/base-7b"), ("/data/ann/base", None)):
        (alone / "spec.yaml").write_text(yaml.safe_dump({**fields, "model": {"id": id}}))
        text = card(alone, "r4")
        data = ModelCard(text).data
        assert data.base_model == named
        assert ("base_model:adapter:owner/base-7b" in data.tags) == (named is not None)
        assert data.datasets == ["glue"]
        assert "secret.jsonl" in text
        assert "/data/ann" not in text


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("MIT", {"license": "mit"}),
        ("CC0-1.0", {"license": "cc0-1.0"}),
        ("Our Own 1.0", {"license": "other", "license_name": "our-own-1.0"}),
        ("evil\n---\nx: y", {"license": "other", "license_name": "evil-x-y"}),
    ],
)
def test_a_licence_that_the_hub_does_not_know_is_other_with_its_name(alone, said, told):
    data = ModelCard(card(alone, "r4", stated=Stated(license=said))).data.to_dict()
    assert {key: data[key] for key in data if key.startswith("license")} == told


def test_the_licence_of_the_data_is_not_taken_for_that_of_the_adapter(sweep):
    text = card(sweep, "r4-seed0")
    assert "license" not in ModelCard(text).data.to_dict()
    assert "**Licence of the data:** Apache-2.0" in text
    assert "**License:** not stated" in text


def test_figures_stand_with_interval_n_chance_and_the_paired_difference(sweep, text):
    store = SweepStore.open(sweep)
    own, base = (store.read_score(slot, "recall") for slot in ("r16-seed1", BASE))
    line = next(one for one in text.splitlines() if one.startswith("| `recall`"))
    assert f"{own.value * 100:.1f} %" in line
    assert f"{base.value * 100:.1f} %" in line
    assert f"+{(own.value - base.value) * 100:.1f} points" in line
    assert line.count("\\[") == 3
    assert "n = 120" in line
    assert " 0 % |" in line


def test_a_difference_is_that_of_this_trial_and_not_of_its_seeds_together(sweep):
    store = SweepStore.open(sweep)
    base = store.read_score(BASE, "paraphrase").value
    for seed in (0, 1):
        own = store.read_score(f"r4-seed{seed}", "paraphrase").value
        assert f"+{(own - base) * 100:.1f} points" in card(sweep, f"r4-seed{seed}")


def test_every_eval_that_was_asked_stands_with_its_known_flaws(text):
    page = Page(text).shown
    for name in ("recall", "paraphrase", "facts", "latency"):
        info = EVALS[name]
        assert info.title in page
        first = info.flaws.partition(".")[0].replace("`", "")
        assert first in " ".join(page.split())


def test_what_nobody_stated_says_so(sweep):
    text = card(sweep, "r4-seed0")
    for name in ("Developed by", "License", "Origin", "Data of persons", "Consent", "Retention"):
        assert f"**{name}:** not stated" in text
    for title in ("Direct Use", "Out-of-Scope Use", "Model Card Contact"):
        assert re.search(rf"#+ {title}\n\nnot stated", text), title
    assert "Limitations that its owner knows of: not stated." in text


def test_what_was_stated_is_shown(text):
    page = Page(text)
    for words in (
        "Ada Lovelace",
        "ada@example.org",
        "Decisions about people.",
        "Deleted after a year.",
    ):
        assert words in page.shown
    assert "It knows harbours only.\n\nIt was trained in a day." in text
    links = [attrs["href"] for tag, attrs in page.tags if tag == "a"]
    assert links == ["https://example.org/rows_1"]


def test_what_was_not_asked_is_said(text):
    assert "Not asked: forgetting, bias and robustness." in text
    assert "Not asked: nothing is known of bias" in text


def test_every_eval_of_the_catalog_has_a_place_in_a_card():
    places = {name: about(name) for name in EVALS}
    assert set(places.values()) == {
        "Quality", "Forgetting", "Bias", "Hallucination", "Robustness", "Time",
    }  # fmt: skip
    for name, info in EVALS.items():
        if info.suite:
            assert places[name].lower() == info.suite


def test_an_adapter_that_was_chosen_among_many_is_told_as_that(text, alone):
    assert "It is one of 4 trials of its sweep." in text
    assert "trials of its sweep" not in card(alone, "r4")


def test_leaks_and_failed_calibration_are_told(alone):
    store = SweepStore.open(alone)
    told = store.read_json("data-card.json")
    store.write_json("data-card.json", {**told, "eval_leaks": {"recall": 7}})
    certified(calibrated("recall", off=0.1), calibrated("facts")).save(alone / "calibration.json")
    text = card(alone, "r4")
    assert "word for word: `recall` 7." in text
    assert "`recall` failed calibration" in text
    assert "Not calibrated: `paraphrase` and `latency`." in text


def test_a_figure_that_is_withheld_stays_so(alone):
    store = SweepStore.open(alone)
    score = store.read_score("r4", "facts")
    told = {"value": None, "low": None, "high": None, "method": "withheld: it answers nothing"}
    store.write_score(score.model_copy(update=told))
    text = card(alone, "r4")
    _, results = model_index_to_eval_results(ModelCard(text).data.to_dict()["model-index"])
    assert "facts" not in {one.dataset_type for one in results}
    assert "withheld: it answers nothing" in text


def test_a_trial_that_was_not_evaluated_and_one_that_failed_have_a_card(tmp_path):
    path = plant(tmp_path, right={4: 0.6, 8: 0.7}, n=40, failed=(8,))
    text = card(path, "r8")
    assert "This adapter was not evaluated." in text
    assert "loss is not a number" in text
    assert "model-index" not in text


def test_an_adapter_made_elsewhere_claims_no_training(alone):
    SweepStore.open(alone).write_json("foreign.json", {"r4": {"sha256": "ab"}})
    text = card(alone, "r4")
    assert "trained elsewhere" in text
    assert "learning_rate" not in text
    assert "made elsewhere; how is not stated" in text


def filled_with(path, payloads):
    """The words of a sweep that strangers write, all of them payloads."""
    store = SweepStore.open(path)
    told = ("source", "license", "sha256")
    sets = [dict.fromkeys(told, one) | {"kind": "hub", "format": [one]} for one in payloads]
    sets[0]["notes"] = list(payloads)
    store.write_json("data-card.json", {"sets": sets, "eval_leaks": dict.fromkeys(payloads, 1)})
    score = store.read_score("r4", "recall")
    parts = {f"group/{one}": 0.5 for one in payloads[:20]}
    store.write_score(score.model_copy(update={"parts": parts, "method": f"exact {payloads[1]}"}))


def headings(page):
    return [tag for tag, _ in page.tags if tag.startswith("h")]


def test_no_payload_becomes_markup_wherever_it_stands(alone):
    before = Page(card(alone, "r4"))
    filled_with(alone, PAYLOADS)
    text = card(alone, "r4")
    page = Page(text)
    assert {tag for tag, _ in page.tags} == {tag for tag, _ in before.tags}
    assert headings(page) == headings(before)
    assert {key for _, attrs in page.tags for key in attrs} <= {"class", "style"}
    assert (
        ModelCard(text).data.to_dict().keys() >= ModelCard(card(alone, "r4")).data.to_dict().keys()
    )
    assert ModelCard(text).data.tags == ["lora", "peft-workbench"]
    assert str(ModelCard(text)) == text
    assert "\u202e" not in text
    assert "\x07" not in text
    assert "<script>alert(1)</script>" in page.shown


def test_of_what_people_state_only_an_address_that_is_shown_becomes_a_link(alone):
    before = Page(card(alone, "r4"))
    stated = Stated(
        owner=PAYLOADS[0], contact="[a](b)", intended_use=PAYLOADS, data_consent=PAYLOADS
    )
    page = Page(card(alone, "r4", stated=stated))
    links = [attrs for tag, attrs in page.tags if tag == "a"]
    assert {tag for tag, _ in page.tags} - {"a"} == {tag for tag, _ in before.tags}
    assert headings(page) == headings(before)
    assert links
    for attrs in links:
        assert set(attrs) == {"href"}
        assert attrs["href"].startswith("https://evil.example")
        assert attrs["href"] in page.words


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_a_payload_is_shown_as_the_words_it_is(payload):
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    for made in (md.text(payload), md.code(payload)):
        inside = parser.render(md.table(["a"], [[made]]) + f"\n\n{made}\n\n- {made}\n")
        page = Page(f"---\nx: y\n---\n{md.table(['a'], [[made]])}\n\n{made}\n\n- {made}\n")
        assert {tag for tag, _ in page.tags} <= {
            "table", "thead", "tbody", "tr", "th", "td", "p", "ul", "li", "code",
        }, inside  # fmt: skip
        seen = " ".join(written_out(payload).split())
        words = page.shown.replace("\u2060", "")
        assert words.count(seen) >= 3


def test_what_is_stated_is_validated_and_a_typo_names_the_nearest_field(tmp_path):
    for fields, words in (
        ({"ownr": "x"}, ["'ownr'", "'owner'"]),
        ({"licence": "mit"}, ["'licence'", "'license'"]),
        ({"consent": "x"}, ["'data_consent'"]),
        ({"language": "English"}, ["language", "ISO 639"]),
        ({"owner": 3}, ["owner", "string", "3"]),
        ({"license_link": "javascript:alert(1)"}, ["license_link", "https://"]),
        ({"owner": ""}, ["owner"]),
    ):
        (tmp_path / "card.yaml").write_text(yaml.safe_dump(fields))
        with pytest.raises(SpecError) as caught:
            Stated.load(tmp_path / "card.yaml")
        for word in words:
            assert word in str(caught.value)
    with pytest.raises(SpecError, match="no file"):
        Stated.load(tmp_path / "nowhere.yaml")


def test_a_card_file_in_the_sweeps_folder_is_taken(alone):
    (alone / "card.yaml").write_text(yaml.safe_dump(STATED))
    assert "Ada Lovelace" in card(alone, "r4")
    assert "Ada Lovelace" not in card(alone, "r4", stated=Stated())


def of_peft(*, quantized: bool = False) -> str:
    """What PEFT writes beside an adapter: the Hub's template with its own lines."""
    empty = ModelCard.from_template(ModelCardData(library_name="peft", tags=["lora"]))
    more = "\n## Training procedure\n\nThe following `bitsandbytes` quantization config was used during training:\n- bits: 4\n"
    return str(empty) + (more if quantized else "") + "\n### Framework versions\n\n- PEFT 0.21.2"


def test_the_card_takes_the_place_of_pefts_own_and_of_nothing_that_a_person_edited(alone):
    place = alone / "r4" / "adapter" / "README.md"
    for made in (None, of_peft(), of_peft(quantized=True)):
        if made is not None:
            place.write_text(made)
        assert write(alone, "r4") == place
        assert place.read_text() == card(alone, "r4")
    assert write(alone, "r4") == place
    for edited in (
        of_peft().replace("[More Information Needed]", "Ada", 1),
        of_peft() + "\nMy own words.",
        card(alone, "r4") + "My own words.\n",
        "# Mine\n",
        "",
    ):
        place.write_text(edited)
        with pytest.raises(StoreError, match="--overwrite"):
            write(alone, "r4")
        assert place.read_text() == edited
    write(alone, "r4", overwrite=True)
    assert place.read_text() == card(alone, "r4")


def test_places_that_cannot_take_a_card_are_refused_and_nothing_is_written(alone, tmp_path):
    (tmp_path / "file").write_text("")
    for out, words in (
        (tmp_path, "folder"),
        (tmp_path / "card.txt", ".md"),
        (tmp_path / "file" / "card.md", "cannot be written"),
    ):
        with pytest.raises(StoreError, match=words):
            write(alone, "r4", out=out)
    (alone / "r4" / "adapter").rmdir()
    with pytest.raises(StoreError, match="no adapter yet"):
        write(alone, "r4")
    for trial, words in (("r5", "no trial"), (BASE, "without an adapter")):
        with pytest.raises(StoreError, match=words):
            card(alone, trial)
    assert write(alone, "r4", out=tmp_path / "new" / "card.md").is_file()


METHODS = {
    "LORA": ("peft", ["lora"], "PeftModel.from_pretrained(model, here)"),
    "IA3": ("peft", ["ia3"], "PeftModel.from_pretrained(model, here)"),
    "VERA": ("peft", ["vera"], "PeftModel.from_pretrained(model, here)"),
    "PROMPT_TUNING": ("peft", ["prompt-tuning"], "PeftModel.from_pretrained(model, here)"),
    "FULL": ("transformers", [], "AutoModelForCausalLM.from_pretrained(here"),
}


def lines_of(text):
    """The Python that a card shows; it has to be Python."""
    tokens = MarkdownIt("commonmark").parse(ModelCard(text).text)
    (found,) = [one.content for one in tokens if one.type == "fence" and one.info == "python"]
    compile(found, "card", "exec")
    return found


@pytest.fixture
def method(tmp_path):
    """A sweep of one trial whose method a test may change."""
    path = plant(tmp_path, right={4: 0.66}, n=20, axis="train.num_train_epochs", evals=("recall",))

    def change(**parts):
        fields = yaml.safe_load((path / "spec.yaml").read_text())
        (path / "spec.yaml").write_text(yaml.safe_dump({**fields, **parts}))
        return path, SweepStore.open(path).trials[0].name

    return change


@pytest.mark.parametrize("kind", METHODS)
def test_every_method_has_its_library_its_tags_and_lines_that_are_python(method, kind):
    library, tags, line = METHODS[kind]
    text = card(*method(adapter={"peft_type": kind}))
    data = ModelCard(text).data
    assert data.library_name == library
    assert data.tags == [*tags, "peft-workbench"]
    assert line in lines_of(text)


def test_a_quantized_base_is_loaded_as_it_was_trained(method):
    four = {"load_in_4bit": True, "bnb_4bit_use_double_quant": True}
    for told, words in (
        (four, "load_in_4bit=True, bnb_4bit_quant_type='nf4', bnb_4bit_use_double_quant=True"),
        ({"load_in_8bit": True}, "BitsAndBytesConfig(load_in_8bit=True)"),
    ):
        text = card(*method(quantization=told, model={"id": "owner/base", "revision": "v1"}))
        assert words in lines_of(text)
        assert "revision='v1'" in lines_of(text)
        assert f"**Base stored in:** {4 if told is four else 8} bits" in text


def test_a_classifier_is_loaded_with_its_labels(method):
    path, trial = method(adapter={"task_type": "SEQ_CLS"})
    folder = path / trial / "adapter"
    folder.mkdir()
    (folder / "labels.json").write_text(json.dumps(["good", "ba'd\n```"]))
    text = card(path, trial)
    assert ModelCard(text).data.pipeline_tag == "text-classification"
    assert "num_labels=2" in lines_of(text)
    assert repr(["good", "ba'd\n```"]) in lines_of(text)


def test_names_cannot_end_a_string_or_a_fence_and_places_stay_at_home(method):
    model, data = "/data/ann/ba'se\n```\n# x", {"id": "/data/ann/rows.jsonl"}
    data["validation"] = {"id": "/data/ann/held.jsonl"}
    path, trial = method(
        model={"id": model}, data=data, evals=["recall", "choices:/data/ann/arc.jsonl"]
    )
    text = card(path, trial)
    assert "/data/ann" not in text
    assert "choices:arc.jsonl" in text
    assert "held.jsonl" in text
    assert "ba'se" in lines_of(text)
    assert headings(Page(text)).count("h1") == 1


def test_the_card_names_the_weights_it_is_about(alone):
    (alone / "r4" / "adapter" / "adapter_model.safetensors").write_bytes(b"weights")
    assert f"`{hashlib.sha256(b'weights').hexdigest()}`" in card(alone, "r4")


def test_the_command_writes_prints_and_refuses(alone, tmp_path, capsys):
    assert main(["card", str(alone / "r4"), "--out", "-"]) == 0
    assert capsys.readouterr().out.startswith("---\n")
    assert not (alone / "r4" / "adapter" / "README.md").exists()
    assert main(["card", str(alone / "r4" / "adapter")]) == 0
    assert capsys.readouterr().out.strip().endswith("README.md")
    for typed, words in (
        ([str(alone)], "is a sweep"),
        ([str(alone / "r9")], "no trial"),
        ([str(alone / "r4"), "--stated", str(tmp_path / "no.yaml")], "no file"),
        ([str(tmp_path / "gone" / "r4")], "does not exist"),
    ):
        assert main(["card", *typed]) == 2
        said = capsys.readouterr().err
        assert said.startswith("error: ")
        assert words in said


def test_a_card_is_made_without_torch(sweep):
    code = (
        "import sys; from workbench.report.model_card import card; "
        f"card({str(sweep)!r}, 'r4-seed0'); print('torch' in sys.modules, 'peft' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_the_verdict_of_a_sweep_is_not_changed_by_reading_one_trial_alone(sweep):
    before = compare(sweep).verdict
    card(sweep, "r4-seed0")
    assert compare(sweep).verdict == before


@pytest.mark.soak
def test_the_lines_that_a_card_shows_load_and_answer_and_pefts_own_card_is_known(alone):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from workbench import microworld

    base = AutoModelForCausalLM.from_pretrained(microworld.path())
    made = get_peft_model(
        base, LoraConfig(r=4, target_modules=["down_proj"], task_type="CAUSAL_LM")
    )
    made.save_pretrained(str(alone / "r4" / "adapter"))
    assert "[More Information Needed]" in (alone / "r4" / "adapter" / "README.md").read_text()
    place = write(alone, "r4")
    code = lines_of(place.read_text())
    code = code.replace("path/to/microworld/weights", str(microworld.path()))
    code = code.replace("path/to/this/folder", str(place.parent))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
