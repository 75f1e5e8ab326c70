"""The cases of bad input: a name, what is typed, and the words that the error must say."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.cli.folders import ADAPTERS, DATA, EVAL_FILES, MODELS, adapter

Prepare = Callable[[Path], list[Any]]
Case = tuple[Prepare, tuple[str, ...]]

GOOD = {
    "name": "good",
    "model": {"id": "microworld"},
    "adapter": {"r": 2},
    "data": {"id": "microworld/updates", "rows": 8},
    "train": {"max_steps": 1},
    "evals": ["recall"],
}


def spec_with(changes: dict[str, Any]) -> Prepare:
    """`workbench run` of the good spec with dotted fields changed."""

    def prepare(folder: Path) -> list[Any]:
        fields = json.loads(json.dumps(GOOD))
        for dotted, value in changes.items():
            *parents, last = dotted.split("/")
            inside = fields
            for parent in parents:
                inside = inside.setdefault(parent, {})
            inside[last] = value
        (folder / "spec.yaml").write_text(yaml.safe_dump(fields))
        return ["run", folder / "spec.yaml", "--runs", folder / "runs"]

    return prepare


def spec_text(content: str | bytes) -> Prepare:
    """`workbench run` of a file with this content."""

    def prepare(folder: Path) -> list[Any]:
        raw = content if isinstance(content, bytes) else content.encode()
        (folder / "spec.yaml").write_bytes(raw)
        return ["run", folder / "spec.yaml", "--runs", folder / "runs"]

    return prepare


def typed(*words: str) -> Prepare:
    """Just these words; FOLDER stands for the test's folder."""
    return lambda folder: [word.replace("FOLDER", str(folder)) for word in words]


def with_file(relative: str, content: str, *words: str) -> Prepare:
    """A file, then these words."""

    def prepare(folder: Path) -> list[Any]:
        (folder / relative).parent.mkdir(parents=True, exist_ok=True)
        (folder / relative).write_text(content)
        return [word.replace("FOLDER", str(folder)) for word in words]

    return prepare


def good_spec_and(*words: str) -> Prepare:
    """The good spec as FOLDER/spec.yaml, then these words."""
    return with_file("spec.yaml", yaml.safe_dump(GOOD), *words)


def data_file(name: str, **columns: str) -> Prepare:
    """`workbench run` on a data file of DATA."""

    def prepare(folder: Path) -> list[Any]:
        DATA[name](folder / name)
        change: dict[str, Any] = {"data/id": str(folder / name), "evals": ["latency"]}
        if columns:
            change["data/columns"] = columns
        return spec_with(change)(folder)

    return prepare


def model_folder(name: str) -> Prepare:
    """`workbench run` on a model folder of MODELS."""

    def prepare(folder: Path) -> list[Any]:
        (folder / name).mkdir()
        MODELS[name](folder / name)
        return spec_with({"model/id": str(folder / name)})(folder)

    return prepare


def eval_of_adapter(name: str, *words: str) -> Prepare:
    """`workbench eval` of an adapter folder of ADAPTERS; FOLDER stands for the test's folder."""

    def prepare(folder: Path) -> list[Any]:
        (folder / name).mkdir()
        ADAPTERS[name](folder / name)
        words_here = [word.replace("FOLDER", str(folder)) for word in words]
        return ["eval", folder / name, "--out", folder / "runs" / "x", *words_here]

    return prepare


def eval_file(kind: str, name: str) -> Prepare:
    """`workbench run` of the good spec with an eval that asks a file of EVAL_FILES."""

    def prepare(folder: Path) -> list[Any]:
        (folder / "asked.jsonl").write_text(EVAL_FILES[name])
        return spec_with({"evals": [f"{kind}:{folder / 'asked.jsonl'}"]})(folder)

    return prepare


def two_adapters(*words: str, **changes: str) -> Prepare:
    """`workbench eval` of two adapters, which may name bases."""

    def prepare(folder: Path) -> list[Any]:
        for name in ("a", "b"):
            (folder / name).mkdir()
            adapter(base_model_name_or_path=changes.get(name, ""))(folder / name)
        words_here = [word.replace("FOLDER", str(folder)) for word in words]
        return ["eval", folder / "a", *words_here, "--out", folder / "runs" / "x"]

    return prepare


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(8)
)

SPECS: dict[str, Case] = {
    "unknown key": (spec_with({"adaptor": {"r": 2}}), ("'adaptor'", "'adapter'")),
    "unknown key inside": (
        spec_with({"train/lernaing_rate": 1}),
        ("train.lernaing_rate", "'learning_rate'"),
    ),
    "key in the wrong place": (spec_with({"train/r": 4}), ("'r'", "'adapter.r'")),
    "gone name warmup_ratio": (spec_with({"train/warmup_ratio": 0.1}), ("gone", "warmup_steps")),
    "gone name max_seq_length": (spec_with({"train/max_seq_length": 8}), ("gone", "max_length")),
    "gone name no_cuda": (spec_with({"train/no_cuda": True}), ("gone", "use_cpu")),
    "gone name overwrite_output_dir": (
        spec_with({"train/overwrite_output_dir": True}),
        ("gone", "next free name"),
    ),
    "rank 0": (spec_with({"adapter/r": 0}), ("adapter.r", "greater than 0", "0")),
    "rank negative": (spec_with({"adapter/r": -1}), ("adapter.r", "greater than 0", "-1")),
    "rank in words": (spec_with({"adapter/r": "eight"}), ("adapter.r", "integer", "'eight'")),
    "rank true": (spec_with({"adapter/r": True}), ("adapter.r", "number", "True")),
    "rank a fraction": (spec_with({"adapter/r": 2.5}), ("adapter.r", "integer", "2.5")),
    "rank too large": (spec_with({"adapter/r": 100_000}), ("adapter.r", "4096", "100000")),
    "rank a list": (spec_with({"adapter/r": [1, 2]}), ("adapter.r", "[1, 2]")),
    "alpha 0": (spec_with({"adapter/lora_alpha": 0}), ("adapter.lora_alpha", "greater than 0")),
    "dropout 1": (
        spec_with({"adapter/lora_dropout": 1.0}),
        ("adapter.lora_dropout", "less than 1"),
    ),
    "no target at all": (
        spec_with({"adapter/target_modules": []}),
        ("adapter.target_modules", "all-linear"),
    ),
    "target that is no pattern": (
        spec_with({"adapter/target_modules": "q_(proj"}),
        ("target_modules", "q_(proj"),
    ),
    "target that matches nothing": (
        spec_with({"adapter/target_modules": ["q_porj"]}),
        ("'q_porj'", "q_proj"),
    ),
    "pattern that matches nothing": (
        spec_with({"adapter/target_modules": ".*nowhere"}),
        (".*nowhere",),
    ),
    "one of two targets matches nothing": (
        spec_with({"adapter/target_modules": ["q_proj", "w_proj"]}),
        ("'w_proj'", "v_proj"),
    ),
    "layer that is not there": (spec_with({"adapter/layers_to_transform": [99]}), ("99",)),
    "init unknown": (
        spec_with({"adapter/init_lora_weights": "zeros"}),
        ("init_lora_weights", "gaussian"),
    ),
    "task type unknown": (
        spec_with({"adapter/task_type": "QA"}),
        ("task_type", "CAUSAL_LM", "'QA'"),
    ),
    "learning rate nan": (
        spec_with({"train/learning_rate": float("nan")}),
        ("train.learning_rate", "nan"),
    ),
    "learning rate negative": (
        spec_with({"train/learning_rate": -1e-3}),
        ("train.learning_rate", "greater than 0"),
    ),
    "learning rate in words": (
        spec_with({"train/learning_rate": "fast"}),
        ("train.learning_rate", "'fast'"),
    ),
    "learning rate infinite": (
        spec_with({"train/learning_rate": float("inf")}),
        ("train.learning_rate", "finite"),
    ),
    "no epochs": (spec_with({"train/num_train_epochs": 0}), ("num_train_epochs", "greater than 0")),
    "no steps": (spec_with({"train/max_steps": 0}), ("max_steps", "-1")),
    "batch size 0": (
        spec_with({"train/per_device_train_batch_size": 0}),
        ("per_device_train_batch_size",),
    ),
    "schedule unknown": (
        spec_with({"train/lr_scheduler_type": "magic"}),
        ("lr_scheduler_type", "cosine", "'magic'"),
    ),
    "bf16 in words": (spec_with({"train/bf16": "perhaps"}), ("train.bf16", "'perhaps'")),
    "seed negative": (spec_with({"seed": -1}), ("seed", "greater than or equal to 0", "-1")),
    "seed true": (spec_with({"seed": True}), ("seed", "True")),
    "rows 0": (spec_with({"data/rows": 0}), ("data.rows", "greater than 0")),
    "all rows held out": (
        spec_with({"data/eval_fraction": 1.0}),
        ("data.eval_fraction", "less than 1"),
    ),
    "column word unknown": (
        spec_with({"data/columns": {"question": "q"}}),
        ("data.columns", "'prompt'"),
    ),
    "4 and 8 bits at once": (
        spec_with({"quantization": {"load_in_4bit": True, "load_in_8bit": True}}),
        ("quantization", "load_in_4bit", "choose one"),
    ),
    "4-bit type unknown": (
        spec_with({"quantization": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf5"}}),
        ("bnb_4bit_quant_type", "nf4", "'nf5'"),
    ),
    "quantization key mistyped": (
        spec_with({"quantization": {"load_in_4bits": True}}),
        ("load_in_4bits", "'load_in_4bit'"),
    ),
    "dtype unknown": (spec_with({"model/dtype": "int4"}), ("model.dtype", "bfloat16", "'int4'")),
    "name that leads out": (
        spec_with({"name": "../elsewhere"}),
        ("name", "'../elsewhere'", "letters"),
    ),
    "name with a slash": (spec_with({"name": "a/b"}), ("name", "'a/b'", "letters")),
    "name empty": (spec_with({"name": ""}), ("name", "letters")),
    "name too long": (spec_with({"name": "x" * 65}), ("name", "64")),
    "eval unknown": (spec_with({"evals": ["recal"]}), ("'recal'", "'recall'")),
    "eval twice": (spec_with({"evals": ["recall", "recall"]}), ("evals", "twice")),
    "evals a word": (spec_with({"evals": "recall"}), ("evals", "'recall'")),
    "axis unknown": (spec_with({"sweep": {"adapter.rank": [1, 2]}}), ("'adapter.rank'", "axis")),
    "axis without its part": (spec_with({"sweep": {"r": [1, 2]}}), ("'r'", "'adapter.r'")),
    "axis gone": (spec_with({"sweep": {"train.warmup_ratio": [0.1]}}), ("gone", "warmup_steps")),
    "axis empty": (spec_with({"sweep": {"adapter.r": []}}), ("'adapter.r'", "list of values")),
    "axis not a list": (
        spec_with({"sweep": {"adapter.r": 4}}),
        ("'adapter.r'", "list of values", "4"),
    ),
    "axis with a bad value": (
        spec_with({"sweep": {"adapter.r": [4, 0]}}),
        ("adapter.r", "greater than 0"),
    ),
    "axis twice": (
        spec_with({"sweep": {"adapter.r": [1], "adapter.r, seed": [[2, 3]]}}),
        ("'adapter.r'", "twice"),
    ),
    "linked axis of the wrong length": (
        spec_with({"sweep": {"adapter.r, seed": [[1, 2], [3]]}}),
        ("'adapter.r, seed'", "2 values", "[3]"),
    ),
    "linked axis without lists": (
        spec_with({"sweep": {"adapter.r, seed": [1, 2]}}),
        ("2 values", "1"),
    ),
    "sweep a list": (spec_with({"sweep": [1, 2]}), ("sweep", "[1, 2]")),
    "too many trials": (
        spec_with({"sweep": {"adapter.r": list(range(1, 41)), "seed": list(range(40))}}),
        ("1600 trials", "1000"),
    ),
    "adapter a word": (spec_with({"adapter": "lora"}), ("adapter", "'lora'")),
    "spec that is a list": (spec_text("- a\n- b\n"), ("mapping", "list")),
    "spec that is a word": (spec_text("hello"), ("mapping", "str")),
    "spec that is empty": (spec_text(""), ("mapping", "nothing")),
    "spec that is not YAML": (spec_text("name: [a\nmodel: {"), ("not YAML", "line")),
    "spec with a tab": (spec_text("name:\n\tx: 1\n"), ("not YAML", "line 2")),
    "spec that is a YAML bomb": (spec_text(BOMB), ("aliases", "not allowed")),
    "spec with a key twice": (spec_text("name: a\nname: b\n"), ("'name'", "twice")),
    "spec with a number as key": (spec_text("1: a\n"), ("key", "1")),
    "spec with a Python object": (
        spec_text("name: !!python/object/apply:os.system [ls]\n"),
        ("not YAML",),
    ),
    "spec that is binary": (spec_text(b"\x00\xff\xfe\x01PK"), ("UTF-8",)),
    "spec that is huge": (spec_text("# " + "x" * 1_000_001), ("bytes", "1,000,000")),
    "spec nested too deeply": (spec_text("a: " + "[" * 5000), ("spec.yaml",)),
}

FILES: dict[str, Case] = {
    "data file missing": (spec_with({"data/id": "./none.jsonl"}), ("none.jsonl",)),
    "data of an unknown kind": (data_file("rows.docx"), ("rows.docx", "jsonl")),
    "data set of the micro-world unknown": (
        spec_with({"data/id": "microworld/update"}),
        ("'update'", "'updates'"),
    ),
    "data empty": (data_file("empty.jsonl"), ("empty.jsonl", "no row")),
    "data with a head and nothing else": (data_file("head.csv"), ("head.csv", "no row")),
    "data without the column": (data_file("other.csv"), ("completion", "answer")),
    "column that is not there": (
        data_file("other.csv", prompt="question", completion="reply"),
        ("'reply'", "answer"),
    ),
    "data with a broken line": (data_file("broken.jsonl"), ("broken.jsonl", "line 2")),
    "data that is no list": (data_file("object.json"), ("object.json",)),
    "data whose rows are no objects": (data_file("numbers.json"), ("numbers.json",)),
    "data that is not parquet": (data_file("garbage.parquet"), ("garbage.parquet",)),
    "data that is binary": (data_file("binary.jsonl"), ("binary.jsonl",)),
    "model that is no folder": (
        spec_with({"model/id": "./nowhere"}),
        ("'./nowhere'", "config.json"),
    ),
    "model that is a file": (spec_with({"model/id": "spec.yaml"}), ("'spec.yaml'", "folder")),
    "model id that is no id": (spec_with({"model/id": "a b/c?"}), ("'a b/c?'", "owner/name")),
    "model id that leads out": (spec_with({"model/id": "../../etc"}), ("'../../etc'", "folder")),
    "model on a hub that nobody reaches": (
        spec_with({"model/id": "nobody/no-such-model"}),
        ("'nobody/no-such-model'", "hub"),
    ),
    "model folder empty": (model_folder("empty"), ("config.json",)),
    "model without weights": (model_folder("no-weights"), ("no weights", "safetensors")),
    "model that is a pickle": (model_folder("pickle"), ("pickle", "refused", "safetensors")),
    "model whose config is not JSON": (model_folder("bad-config"), ("config.json",)),
    "model that is an encoder": (model_folder("encoder"), ("BertModel", "causal")),
    "model that is an adapter": (model_folder("adapter"), ("adapter", "base model")),
    "model that brings its own code": (model_folder("own-code"), ("trust_remote_code",)),
    "model whose weights are cut": (model_folder("cut-weights"), ("model.safetensors",)),
}

PATHS: dict[str, Case] = {
    "spec missing": (
        typed("run", "FOLDER/none.yaml", "--runs", "FOLDER/runs"),
        ("none.yaml", "no file"),
    ),
    "spec a folder": (typed("run", "FOLDER", "--runs", "FOLDER/runs"), ("cannot be read",)),
    "run of a sweep's folder": (
        with_file("old/spec.yaml", "name: old", "run", "FOLDER/old", "--runs", "FOLDER/runs"),
        ("folder of a sweep", "--resume", "spec.yaml"),
    ),
    "plan without a file": (typed("plan", "FOLDER/none.yaml"), ("none.yaml", "no file")),
    "runs folder below a file": (
        good_spec_and("run", "FOLDER/spec.yaml", "--runs", "FOLDER/spec.yaml/runs"),
        ("spec.yaml/runs", "folder that can be written"),
    ),
    "runs folder nobody may write": (
        good_spec_and("run", "FOLDER/spec.yaml", "--runs", "/proc/no-such-place"),
        ("/proc/no-such-place", "folder that can be written"),
    ),
    "runs of a file": (good_spec_and("runs", "--runs", "FOLDER/spec.yaml"), ("spec.yaml",)),
    "runs with no limit": (typed("runs", "--limit", "0"), ("limit", "1")),
    "nothing to resume": (
        good_spec_and("run", "FOLDER/spec.yaml", "--runs", "FOLDER/runs", "--resume"),
        ("no sweep of 'good'", "without --resume"),
    ),
    "resume of a folder that is no sweep": (
        with_file("things/a.txt", "x", "run", "FOLDER/things", "--resume"),
        ("things", "no sweep"),
    ),
    "resume of a name that is not there": (
        typed("run", "nothing-here", "--resume"),
        ("'nothing-here'", "workbench runs"),
    ),
    "eval of a folder that is not there": (
        typed("eval", "FOLDER/none"),
        ("does not exist", "workbench runs"),
    ),
    "eval of a folder that is no sweep": (
        with_file("things/a.txt", "x", "eval", "FOLDER/things"),
        ("things",),
    ),
    "eval by a name unknown": (
        with_file("things/a.txt", "x", "eval", "FOLDER/things", "--evals", "recal"),
        ("'recal'", "'recall'"),
    ),
    "compare of a file": (
        good_spec_and("compare", "FOLDER/spec.yaml"),
        ("is a file", "folder of a sweep"),
    ),
    "compare of a folder that is no sweep": (
        with_file("things/a.txt", "x", "compare", "FOLDER/things"),
        ("things", "no sweep"),
    ),
    "report of a folder that is no sweep": (
        with_file("things/a.txt", "x", "report", "FOLDER/things", "--out", "FOLDER/r.html"),
        ("things", "no sweep"),
    ),
    "report without a place": (
        with_file("things/a.txt", "x", "report", "FOLDER/things"),
        ("--out",),
    ),
    "lab without a notebook": (
        typed("lab", "FOLDER/none.ipynb"),
        ("none.ipynb", "folder of the project"),
    ),
    "unknown command": (typed("trian"), ("'trian'", "--help")),
    "no command": (typed(), ("--help",)),
    "unknown option": (typed("runs", "--jsno"), ("--jsno", "--help")),
    "command without its argument": (typed("plan"), ("SPEC", "--help")),
    "one word too many": (typed("plan", "a.yaml", "b.yaml"), ("b.yaml", "--help")),
}

ASKED = ("--base", "microworld", "--evals", "retention")

FOREIGN: dict[str, Case] = {
    "adapter folder that is not there": (
        typed("eval", "FOLDER/none", *ASKED),
        ("does not exist", "adapter_config.json"),
    ),
    "adapter that is a file": (
        with_file("a.bin", "x", "eval", "FOLDER/a.bin", *ASKED),
        ("is a file", "adapter_config.json"),
    ),
    "folder that is no adapter": (
        with_file("things/a.txt", "x", "eval", "FOLDER/things", *ASKED),
        ("neither", "adapter_config.json", "status.json"),
    ),
    "adapter without weights": (
        eval_of_adapter("no-weights", *ASKED),
        ("no weights", "adapter_model.safetensors"),
    ),
    "adapter that is a pickle": (
        eval_of_adapter("pickle", *ASKED),
        ("pickle", "refused", "save_pretrained"),
    ),
    "adapter whose config is not JSON": (
        eval_of_adapter("bad-config", *ASKED),
        ("adapter_config.json", "not JSON"),
    ),
    "adapter whose config is a list": (
        eval_of_adapter("list", *ASKED),
        ("adapter_config.json", "mapping"),
    ),
    "adapter whose weights are cut": (
        eval_of_adapter("cut", *ASKED),
        ("adapter_model.safetensors", "cut short"),
    ),
    "adapter without a tensor": (eval_of_adapter("hollow", *ASKED), ("no tensor",)),
    "adapter of a method that cannot be asked": (
        eval_of_adapter("method", *ASKED),
        ("'ADALORA'", "LORA, IA3"),
    ),
    "adapter that tells rows apart": (eval_of_adapter("classifier", *ASKED), ("'SEQ_CLS'",)),
    "adapter that does more than can be put on": (
        eval_of_adapter("target-parameters", *ASKED),
        ("target_parameters", "merge_and_unload"),
    ),
    "adapter that changed its base by chance": (
        eval_of_adapter("loftq", *ASKED),
        ("'loftq'", "path_initial_model_for_weight_conversion"),
    ),
    "adapter with rank 0": (eval_of_adapter("rank-0", *ASKED), ("adapter.r", "greater than 0")),
    "adapter with a pattern that is none": (
        eval_of_adapter("bad-pattern", *ASKED),
        ("'('", "rank_pattern", "no regular expression"),
    ),
    "adapter with a list for patterns": (
        eval_of_adapter("listed-pattern", *ASKED),
        ("adapter.rank_pattern",),
    ),
    "adapter of another model": (
        eval_of_adapter("other-names", *ASKED),
        ("does not fit the base 'microworld'", "h.0.attn", "no module"),
    ),
    "adapter of another size": (
        eval_of_adapter("other-size", *ASKED),
        ("does not fit the base 'microworld'", "q_proj", "2 by 7"),
    ),
    "adapter of another rank than it says": (
        eval_of_adapter("other-rank", *ASKED),
        ("does not fit", "3 by"),
    ),
    "adapter with half of its tensors": (
        eval_of_adapter("half", *ASKED),
        ("not whole", "numbers"),
    ),
    "adapter that names no base": (
        eval_of_adapter("good", "--evals", "retention"),
        ("does not say", "--base"),
    ),
    "adapter whose base is gone": (
        eval_of_adapter("lost-base", "--evals", "retention"),
        ("'./nowhere'", "--base"),
    ),
    "base that is no model": (
        eval_of_adapter("good", "--base", "FOLDER/good", "--evals", "retention"),
        ("holds an adapter", "base model"),
    ),
    "adapter and no eval": (
        eval_of_adapter("good", "--base", "microworld"),
        ("evals", "retention"),
    ),
    "adapter and evals that are only commas": (
        eval_of_adapter("good", "--base", "microworld", "--evals", " , "),
        ("' , '", "names no eval"),
    ),
    "adapter and an eval unknown": (
        eval_of_adapter("good", "--base", "microworld", "--evals", "retension"),
        ("'retension'", "'retention'"),
    ),
    "adapter and a file that is not there": (
        eval_of_adapter("good", "--base", "microworld", "--evals", "choices:FOLDER/no.jsonl"),
        ("no.jsonl", "no file"),
    ),
    "adapter and plain text": (
        lambda folder: with_file(
            "plain.txt",
            "Once upon a time.",
            *map(
                str,
                eval_of_adapter(
                    "good", "--base", "microworld", "--evals", "perplexity:FOLDER/plain.txt"
                )(folder),
            ),
        )(folder),
        ("'plain.txt'", "jsonl", "column 'text'"),
    ),
    "adapter and data that are not there": (
        eval_of_adapter("good", *ASKED, "--data", "FOLDER/no.jsonl"),
        ("no.jsonl",),
    ),
    "one adapter twice": (
        two_adapters("FOLDER/a", *ASKED),
        ("given twice",),
    ),
    "adapters of two bases": (
        two_adapters("FOLDER/b", "--evals", "retention", a="x/one", b="x/two"),
        ("'x/one', 'x/two'", "--base"),
    ),
    "a place that cannot be written": (
        lambda folder: [*two_adapters("FOLDER/b", *ASKED)(folder)[:-1], "/proc/no-such-place/x"],
        ("/proc/no-such-place", "folder that can be written"),
    ),
    "a place with a name that is none": (
        lambda folder: [*two_adapters("FOLDER/b", *ASKED)(folder)[:-1], folder / "a b"],
        ("name", "'a b'", "letters"),
    ),
}

EVALS: dict[str, Case] = {
    "eval file without a column": (
        eval_file("choices", "no-column"),
        ("asked.jsonl", "row 1", "'choices'"),
    ),
    "eval file with one id twice": (
        eval_file("choices", "same-id"),
        ("asked.jsonl", "row 2", "'one'"),
    ),
    "eval file with an id in one row only": (
        eval_file("choices", "some-ids"),
        ("asked.jsonl", "row 2", "id is None"),
    ),
    "eval file without a correct choice": (
        eval_file("choices", "no-gold"),
        ("asked.jsonl", "row 2", "no correct choice", "from 0 to 1"),
    ),
    "eval file whose correct choice is none of them": (
        eval_file("choices", "other-gold"),
        ("asked.jsonl", "no correct choice", "'c'"),
    ),
    "eval file with one choice": (eval_file("choices", "one-choice"), ("two or more",)),
    "eval file with an empty choice": (eval_file("choices", "empty-choice"), ("choice 1", "''")),
    "eval file with an empty question": (eval_file("choices", "empty-query"), ("'query'", "empty")),
    "eval file with an empty text": (eval_file("perplexity", "empty-text"), ("'text'", "empty")),
    "eval file that is empty": (eval_file("choices", "nothing"), ("asked.jsonl", "no row")),
    "eval file that is not JSON": (eval_file("choices", "broken"), ("asked.jsonl", "line 2")),
    "eval file that is not there": (
        spec_with({"evals": ["choices:nowhere.jsonl"]}),
        ("'nowhere.jsonl'", "no file"),
    ),
    "eval that asks a file without one": (spec_with({"evals": ["choices"]}), ("asks a file",)),
    "eval with a file that asks none": (
        spec_with({"evals": ["recall:a.jsonl"]}),
        ("'recall:a.jsonl'", "asks none"),
    ),
    "eval by a mistyped word with a file": (
        spec_with({"evals": ["choises:a.jsonl"]}),
        ("'choises'", "'choices'"),
    ),
}

CASES: dict[str, Case] = {**SPECS, **FILES, **PATHS, **FOREIGN, **EVALS}
