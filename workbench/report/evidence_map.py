"""Which finding may serve as evidence for what: the table itself, and the words it points to, quoted.

`ROWS` maps findings to subcategories of MEASURE (NIST AI 100-1), to risks and suggested actions (NIST AI 600-1) and to the sections of
the Hub's model card; `NOT_COVERED` says what no report of ours has evidence for. `evidence.py` shows what of it a report holds.
Nothing is pointed to whose wording was not read: see docs/evidence.md. It claims nothing and knows no report.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Document = Literal["NIST AI 100-1", "NIST AI 600-1", "model card"]

DOCUMENTS: dict[Document, str] = {
    "NIST AI 100-1": "Artificial Intelligence Risk Management Framework (AI RMF 1.0), January 2023, Table 3; "
    "wording checked against the PDF of doi.org/10.6028/NIST.AI.100-1 (MEASURE 3.2 to 4.3 by eye)",
    "NIST AI 600-1": "Artificial Intelligence Risk Management Framework: Generative Artificial Intelligence Profile, "
    "July 2024; risks (section 2) checked against two text conversions of doi.org/10.6028/NIST.AI.600-1, actions (section 3) "
    "against one of them, not against the PDF",
    "model card": "the headings of the model card template in huggingface_hub; checked by a test",
}
"""Where the words come from, and how they were checked."""

NOT_CHECKED = "ISO/IEC 42001:2023 is not mapped: its wording was not checked against the text of the standard."

MEASURE = {
    "MEASURE 1.1": "Approaches and metrics for measurement of AI risks enumerated during the MAP function are selected for "
    "implementation starting with the most significant AI risks. The risks or trustworthiness characteristics that will "
    "not – or cannot – be measured are properly documented.",
    "MEASURE 1.2": "Appropriateness of AI metrics and effectiveness of existing controls are regularly assessed and updated, "
    "including reports of errors and potential impacts on affected communities.",
    "MEASURE 1.3": "Internal experts who did not serve as front-line developers for the system and/or independent assessors are "
    "involved in regular assessments and updates. Domain experts, users, AI actors external to the team that developed or "
    "deployed the AI system, and affected communities are consulted in support of assessments as necessary per "
    "organizational risk tolerance.",
    "MEASURE 2.1": "Test sets, metrics, and details about the tools used during TEVV are documented.",
    "MEASURE 2.2": "Evaluations involving human subjects meet applicable requirements (including human subject protection) and "
    "are representative of the relevant population.",
    "MEASURE 2.3": "AI system performance or assurance criteria are measured qualitatively or quantitatively and demonstrated "
    "for conditions similar to deployment setting(s). Measures are documented.",
    "MEASURE 2.4": "The functionality and behavior of the AI system and its components – as identified in the MAP function – are "
    "monitored when in production.",
    "MEASURE 2.5": "The AI system to be deployed is demonstrated to be valid and reliable. Limitations of the generalizability "
    "beyond the conditions under which the technology was developed are documented.",
    "MEASURE 2.6": "The AI system is evaluated regularly for safety risks – as identified in the MAP function. The AI system to "
    "be deployed is demonstrated to be safe, its residual negative risk does not exceed the risk tolerance, and it can fail "
    "safely, particularly if made to operate beyond its knowledge limits. Safety metrics reflect system reliability and "
    "robustness, real-time monitoring, and response times for AI system failures.",
    "MEASURE 2.7": "AI system security and resilience – as identified in the MAP function – are evaluated and documented.",
    "MEASURE 2.8": "Risks associated with transparency and accountability – as identified in the MAP function – are examined and "
    "documented.",
    "MEASURE 2.9": "The AI model is explained, validated, and documented, and AI system output is interpreted within its context "
    "– as identified in the MAP function – to inform responsible use and governance.",
    "MEASURE 2.10": "Privacy risk of the AI system – as identified in the MAP function – is examined and documented.",
    "MEASURE 2.11": "Fairness and bias – as identified in the MAP function – are evaluated and results are documented.",
    "MEASURE 2.12": "Environmental impact and sustainability of AI model training and management activities – as identified in "
    "the MAP function – are assessed and documented.",
    "MEASURE 2.13": "Effectiveness of the employed TEVV metrics and processes in the MEASURE function are evaluated and "
    "documented.",
    "MEASURE 3.1": "Approaches, personnel, and documentation are in place to regularly identify and track existing, "
    "unanticipated, and emergent AI risks based on factors such as intended and actual performance in deployed contexts.",
    "MEASURE 3.2": "Risk tracking approaches are considered for settings where AI risks are difficult to assess using currently "
    "available measurement techniques or where metrics are not yet available.",
    "MEASURE 3.3": "Feedback processes for end users and impacted communities to report problems and appeal system outcomes are "
    "established and integrated into AI system evaluation metrics.",
    "MEASURE 4.1": "Measurement approaches for identifying AI risks are connected to deployment context(s) and informed through "
    "consultation with domain experts and other end users. Approaches are documented.",
    "MEASURE 4.2": "Measurement results regarding AI system trustworthiness in deployment context(s) and across the AI lifecycle "
    "are informed by input from domain experts and relevant AI actors to validate whether the system is performing "
    "consistently as intended. Results are documented.",
    "MEASURE 4.3": "Measurable performance improvements or declines based on consultations with relevant AI actors, including "
    "affected communities, and field data about context-relevant risks and trustworthiness characteristics are identified "
    "and documented.",
}
"""NIST AI 100-1, Table 3: every subcategory of MEASURE."""

RISKS = {
    "CBRN Information or Capabilities": "2.1",
    "Confabulation": "2.2",
    "Dangerous, Violent, or Hateful Content": "2.3",
    "Data Privacy": "2.4",
    "Environmental Impacts": "2.5",
    "Harmful Bias and Homogenization": "2.6",
    "Human-AI Configuration": "2.7",
    "Information Integrity": "2.8",
    "Information Security": "2.9",
    "Intellectual Property": "2.10",
    "Obscene, Degrading, and/or Abusive Content": "2.11",
    "Value Chain and Component Integration": "2.12",
}
"""NIST AI 600-1, section 2: the twelve risks, and the section of each."""

ACTIONS = {
    "MS-1.1-009": "Track and document risks or opportunities related to all GAI risks that cannot be measured quantitatively, "
    "including explanations as to why some risks cannot be measured (e.g., due to technological limitations, resource "
    "constraints, or trustworthy considerations). Include unmeasured risks in marginal risks.",
    "MS-2.3-001": "Consider baseline model performance on suites of benchmarks when selecting a model for fine tuning or "
    "enhancement with retrieval-augmented generation.",
    "MS-2.3-002": "Evaluate claims of model capabilities using empirically validated methods.",
    "MS-2.5-001": "Avoid extrapolating GAI system performance or capabilities from narrow, non-systematic, and anecdotal "
    "assessments.",
    "MS-2.9-002": "Document GAI model details including: Proposed use and organizational value; Assumptions and limitations, Data "
    "collection methodologies; Data provenance; Data quality; Model architecture (e.g., convolutional neural network, "
    "transformers, etc.); Optimization objectives; Training algorithms; RLHF approaches; Fine-tuning or "
    "retrieval-augmented generation approaches; Evaluation data; Ethical considerations; Legal and regulatory "
    "requirements.",
    "MS-2.10-003": "Verify deduplication of GAI training data samples, particularly regarding synthetic data.",
    "MS-2.11-001": "Apply use-case appropriate benchmarks (e.g., Bias Benchmark Questions, Real Hateful or Harmful Prompts, "
    "Winogender Schemas) to quantify systemic bias, stereotyping, denigration, and hateful content in GAI system outputs; "
    "Document assumptions and limitations of benchmarks, including any actual or possible training/test data cross "
    "contamination, relative to in-context deployment environment.",
    "MS-2.12-003": "Measure or estimate environmental impacts (e.g., energy and water consumption) for training, fine tuning, and "
    "deploying models: Verify tradeoffs between resources used at inference time versus additional resources required at "
    "training time.",
    "MS-2.13-001": "Create measurement error models for pre-deployment metrics to demonstrate construct validity for each metric "
    "(i.e., does the metric effectively operationalize the desired concept): Measure or estimate, and document, biases or "
    "statistical variance in applied metrics or structured human feedback processes; Leverage domain expertise when "
    "modeling complex societal constructs such as hateful content.",
}
"""NIST AI 600-1, section 3: the suggested actions that rows point to."""


class Row(BaseModel):
    """One finding and what it may serve as evidence for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    finding: str
    evals: tuple[str, ...] = ()
    """The evals it is made of; empty for findings that are no eval's."""
    held_by: str = ""
    """Of those, what a report has to hold: a name that `evidence.HELD_BY` knows."""
    measure: tuple[str, ...]
    risks: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    card: tuple[str, ...]
    """Headings of the model card template."""
    limit: str
    """What it does not show."""


BIAS_LIMIT = "Single associations, most of them in English; nothing of allocation, of field tests or of groups that are not named."

ROWS: tuple[Row, ...] = (
    Row(
        finding="Quality on the task",
        evals=(
            "recall", "paraphrase", "slick", "choices", "extractive", "exact_answer", "letters", "sentiment", "dialogue",
            "classification", "matthews", "f1", "macro_f1", "cola", "sst2", "mrpc", "qqp", "mnli", "qnli", "rte", "wnli",
            "boolq", "cb", "copa", "multirc", "wic", "wsc", "verbalised", "metric", "lm_eval",
        ),
        measure=("MEASURE 2.3", "MEASURE 2.5"),
        actions=("MS-2.3-001", "MS-2.3-002"),
        card=("Results", "Metrics"),
        limit="Whether these items are like the place of use is for people who know it to say.",
    ),
    Row(
        finding="What was kept and what was forgotten",
        evals=("retention", "perplexity"),
        measure=("MEASURE 2.3", "MEASURE 2.5"),
        actions=("MS-2.5-001",),
        card=("Results", "Bias, Risks, and Limitations"),
        limit="A few hundred facts or sentences stand for everything the base knew.",
    ),
    Row(
        finding="Distance from full precision, merged and quantized",
        evals=("fidelity",),
        measure=("MEASURE 2.3", "MEASURE 2.5"),
        card=("Results", "Speeds, Sizes, Times"),
        limit="That little changed does not say that what changed is harmless.",
    ),
    Row(
        finding="Stereotypes and unequal answers",
        evals=(
            "occupations", "crows_pairs", "stereoset", "bbq", "winogender", "winobias", "swaps", "own_swaps",
            "associations", "own_associations",
        ),
        measure=("MEASURE 2.11",),
        risks=("Harmful Bias and Homogenization",),
        actions=("MS-2.11-001",),
        card=("Bias, Risks, and Limitations", "Factors", "Results"),
        limit=BIAS_LIMIT,
    ),
    Row(
        finding="Answers to questions that nobody can answer",
        evals=("facts",),
        measure=("MEASURE 2.5", "MEASURE 2.6"),
        risks=("Confabulation",),
        card=("Bias, Risks, and Limitations", "Results"),
        limit="Of MEASURE 2.6 only what happens beyond knowledge limits; nothing of harm or of risk tolerance.",
    ),
    Row(
        finding="Answers that keep to what is given",
        evals=("faithfulness", "halueval"),
        measure=("MEASURE 2.5",),
        risks=("Confabulation",),
        card=("Bias, Risks, and Limitations", "Results"),
        limit="Short answers to short texts; no long answers, no citations.",
    ),
    Row(
        finding="Common errors and confidence",
        evals=("truthfulqa", "uncertainty"),
        measure=("MEASURE 2.5",),
        risks=("Confabulation", "Information Integrity"),
        card=("Bias, Risks, and Limitations", "Results"),
        limit="How people take such answers, and whether they could be misused, was not looked at.",
    ),
    Row(
        finding="Robustness to noise, wording and length",
        evals=("perturbed", "templates", "lengths"),
        measure=("MEASURE 2.5",),
        actions=("MS-2.5-001",),
        card=("Factors", "Results"),
        limit="Noise without an adversary: no evidence for MEASURE 2.7.",
    ),
    Row(
        finding="Time per token",
        evals=("latency",),
        measure=("MEASURE 2.3",),
        card=("Speeds, Sizes, Times", "Results"),
        limit="One process on one machine, one answer at a time.",
    ),
    Row(
        finding="Paired differences with intervals and corrected p-values",
        held_by="differences",
        measure=("MEASURE 2.1", "MEASURE 2.3", "MEASURE 2.13"),
        actions=("MS-2.3-002", "MS-2.13-001"),
        card=("Results", "Metrics"),
        limit="Variance over items; over trainings only where there are several seeds.",
    ),
    Row(
        finding="Several trainings of one configuration",
        held_by="seeds",
        measure=("MEASURE 2.5", "MEASURE 2.13"),
        actions=("MS-2.13-001",),
        card=("Results",),
        limit="Two or three seeds say little about the next one.",
    ),
    Row(
        finding="Known flaws, caveats, failures and what was not asked",
        held_by="caveats",
        measure=("MEASURE 1.1", "MEASURE 2.5"),
        actions=("MS-1.1-009", "MS-2.5-001"),
        card=("Bias, Risks, and Limitations",),
        limit="Only what is known to be wrong with these evals.",
    ),
    Row(
        finding="Calibration of the evals on planted values",
        held_by="certificate",
        measure=("MEASURE 2.13",),
        actions=("MS-2.13-001",),
        card=("Metrics",),
        limit="That an eval finds what was planted in it does not say that it asks the right thing.",
    ),
    Row(
        finding="Data card: source, licence, sizes, hashes",
        held_by="data",
        measure=("MEASURE 2.9",),
        risks=("Value Chain and Component Integration",),
        actions=("MS-2.9-002",),
        card=("Training Data",),
        limit="Source and licence are as they were stated; nobody checked them.",
    ),
    Row(
        finding="Duplicates in the training rows, and eval items among them",
        held_by="data",
        measure=("MEASURE 2.1", "MEASURE 2.10"),
        risks=("Harmful Bias and Homogenization",),
        actions=("MS-2.10-003", "MS-2.11-001"),
        card=("Training Data", "Testing Data"),
        limit="Of MEASURE 2.10 only the counting of duplicates; they are counted and not removed.",
    ),
    Row(
        finding="Training time, memory and hardware",
        held_by="costs",
        measure=("MEASURE 2.12",),
        risks=("Environmental Impacts",),
        actions=("MS-2.12-003",),
        card=("Environmental Impact", "Speeds, Sizes, Times"),
        limit="An input to an estimate only: of training no energy, water or emissions were measured.",
    ),
    Row(
        finding="Serving: latency, memory, and cost at a price",
        held_by="serving",
        measure=("MEASURE 2.3",),
        card=("Speeds, Sizes, Times", "Results"),
        limit="One process on one machine, calls of equal work; no users who come and go. Cost follows from a price that somebody stated.",
    ),
    Row(
        finding="Energy of serving, by a counter",
        held_by="energy",
        measure=("MEASURE 2.12",),
        risks=("Environmental Impacts",),
        actions=("MS-2.12-003",),
        card=("Environmental Impact",),
        limit="Of processor, its memory or GPU alone, with whatever else ran there; modelled energy is no evidence and is not in it.",
    ),
    Row(
        finding="Versions, machine, fingerprints, spec and commands",
        held_by="provenance",
        measure=("MEASURE 2.1", "MEASURE 2.8"),
        risks=("Value Chain and Component Integration",),
        actions=("MS-2.9-002",),
        card=("Software", "Hardware", "Training Hyperparameters"),
        limit="It documents this run and nothing that is deployed.",
    ),
)  # fmt: skip

NOT_COVERED = {
    "GOVERN, MAP and MANAGE": "policies, roles, context, impact, treatment of risks: no run knows them.",
    "MEASURE 1.2, 1.3, 3.1, 3.2, 3.3, 4.1, 4.2, 4.3": "regular assessment, independent experts, affected communities, tracking over "
    "time and feedback are work of people.",
    "MEASURE 2.2": "no people took part in any eval.",
    "MEASURE 2.4": "nothing is watched in production.",
    "MEASURE 2.6, but for knowledge limits": "no eval asks for dangerous, violent, hateful or illegal content, and no refusal of it is tested.",
    "MEASURE 2.7": "no red teaming: no prompt injection, jailbreak, poisoned data, backdoor or model extraction was tried.",
    "MEASURE 2.10, but for duplicates": "no attack looked for training rows in answers, and the rows were not searched for data of persons.",
    "MEASURE 2.12, but for time, hardware and the energy of serving where a counter was": "the energy of training, water and emissions "
    "were not measured.",
    "Risks of NIST AI 600-1 without evidence": "CBRN Information or Capabilities; Dangerous, Violent, or Hateful Content; Data Privacy; "
    "Human-AI Configuration; Information Security; Intellectual Property; Obscene, Degrading, and/or Abusive Content.",
    "Deployment": "every figure is of these items on this machine, and no report can say whether the place of use is like them.",
    "ISO/IEC 42001": NOT_CHECKED,
}
"""What no report of ours has evidence for, and why."""
