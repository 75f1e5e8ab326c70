"""The metadata of a model card: what the Hub reads at the top of a README.md, and nothing that it would refuse.

`metadata(subject)` gives `huggingface_hub.ModelCardData`. Base, data sets and licence are named only where they are words of the
Hub; results are the stored scores, none of them verified by anybody else. What can be said in prose only is in the card's text.
"""

import re
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from workbench.report.subject import MICROWORLD, Subject
from workbench.scores.catalog import EVALS
from workbench.scores.entry import EvalInfo
from workbench.scores.task import Score

_LICENSES = """
    apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m
    afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5
    cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0
    cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0
    cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl
    lgpl-2.1 lgpl-3.0 isc lppl-1.3c ms-pl mpl-2.0 odc-by odbl openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense
    zlib pddl lgpl-lr deepfloyd-if-license llama2 gemma unknown other
"""
HUB_LICENSES = frozenset(_LICENSES.split())
"""Identifiers that the Hub takes for a licence; every other one is `other`, with its name beside it."""

PIPELINE = {"CAUSAL_LM": "text-generation", "SEQ_CLS": "text-classification"}
TASK = {"CAUSAL_LM": "Text Generation", "SEQ_CLS": "Text Classification"}

OF_THIS_MACHINE = frozenset({"latency"})
"""Evals whose figure belongs to the machine and not to the adapter; they stand in the text alone."""

_SET_OF_HUB = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


def metadata(subject: Subject) -> ModelCardData:
    """What stands between the two lines of dashes."""
    base, data_sets = subject.hub_base, _data_sets(subject)
    return ModelCardData(
        base_model=base or None,
        library_name="transformers" if subject.is_full else "peft",
        pipeline_tag=PIPELINE[subject.spec.adapter.task_type],
        language=languages(subject) or None,
        datasets=data_sets or None,
        tags=_tags(subject),
        eval_results=_results(subject) or None,
        model_name=f"{subject.reading.spec.name}-{subject.name}",
        **_license(subject.stated.license, subject.stated.license_link),
    )


def _license(said: str | None, link: str | None) -> dict[str, str]:
    """The adapter's own licence; that of its data is no licence of the adapter."""
    if said is None:
        return {}
    known = said.strip().lower()
    if known in HUB_LICENSES - {"other"}:
        return {"license": known}
    name = re.sub(r"[^a-z0-9.+]+", "-", known).strip("-.") or "other"
    return {"license": "other", "license_name": name[:96]} | (
        {"license_link": link} if link else {}
    )


def languages(subject: Subject) -> list[str]:
    """The languages that are stated; the micro-world's own rows are plain English."""
    if subject.stated.language:
        return list(subject.stated.language)
    return ["en"] if subject.spec.data.id.startswith(f"{MICROWORLD}/") else []


def _data_sets(subject: Subject) -> list[str]:
    """The training sets that the Hub knows by these names."""
    found = []
    for card in subject.reading.data_cards:
        name = str(card.get("source") or "").partition(":")[0]
        if card.get("kind") == "hub" and _SET_OF_HUB.fullmatch(name):
            found.append(name)
    return list(dict.fromkeys(found))


def _tags(subject: Subject) -> list[str]:
    method = subject.spec.adapter.peft_type
    named = [] if subject.is_full else [method.lower().replace("_", "-")]
    base = [f"base_model:adapter:{subject.hub_base}"] if named and subject.hub_base else []
    return [*base, *named, "peft-workbench"]


def _results(subject: Subject) -> list[EvalResult]:
    """Every score with a value, as it is stored."""
    told = []
    for eval in subject.reading.evals:
        score = subject.reading.score(subject.name, eval)
        info = EVALS.get(eval.partition(":")[0])
        if info is None or score is None or score.value is None or eval in OF_THIS_MACHINE:
            continue
        told.append(_result(subject, eval, info=info, score=score))
    return told


def _result(subject: Subject, eval: str, *, info: EvalInfo, score: Score) -> EvalResult:
    task = subject.spec.adapter.task_type
    beside: dict[str, Any] = {
        "low": score.low,
        "high": score.high,
        "n": score.n,
        "chance": score.chance,
        "unit": score.unit or None,
        "better": score.better,
    }
    return EvalResult(
        task_type=PIPELINE[task],
        task_name=TASK[task],
        dataset_type=slug(eval),
        dataset_name=title_of(eval, info=info),
        metric_type=slug(score.method.partition(";")[0] or info.name).replace("-", "_"),
        metric_name=score.method.partition(";")[0] or info.title,
        metric_value=score.value,
        metric_args={key: value for key, value in beside.items() if value is not None},
        verified=False,
    )


def title_of(eval: str, *, info: EvalInfo) -> str:
    """What an eval is called in words, with its file where it asks one."""
    file = eval.partition(":")[2]
    return f"{info.title}: {file}" if file else info.title


def slug(words: str) -> str:
    """Words as an identifier.

    >>> slug("choices:arc easy")
    'choices-arc-easy'
    """
    return re.sub(r"[^a-z0-9._]+", "-", words.lower()).strip("-._") or "eval"
