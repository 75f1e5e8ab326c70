"""The catalog's entries for evals of what is made up: what each means and what is wrong with it. They go into `catalog.EVALS`."""

from workbench.scores.entry import EvalInfo

FACTS = EvalInfo(
    name="facts",
    family="facts",
    suite="hallucination",
    title="Made-up answers",
    unit="share",
    better="lower",
    chance=1.0,
    what="The share of questions that nobody can answer and that are answered with something made up. In the micro-world "
    "they are facts that were never stated to anyone, so every answer but a refusal is made up, also one that is right by "
    "luck. Elsewhere they are your own questions with an invented name in the place of each name, number and quoted word "
    "(`What is the capital of Tosksurd?`); where your rows give none, those of sixty widely known facts. Beside them "
    "stands what can be known: `known`, `common`, `held-out` or `trained` questions, correct, wrong and refused, and in the "
    "micro-world `changed` facts, of which an old value is `outdated`.",
    flaws="Refusals are recognised by a short list of English phrases; others are missed and count as made up. Whoever "
    "refuses, and does not show by its interval that it answers what can be known above chance, gets no value. Names are "
    "found by capital letters, digits and quotation marks, so rows without any give no variant (`without_variant`), nor do "
    "labels, yes-no questions and questions that hold their own answer; a few variants, and those of a text that is given "
    "with the question, may be answerable all the same. On your own rows a right answer in other words counts as wrong. "
    "Sixty facts know a share near one half to 0.13 only.",
)

SLICK = EvalInfo(
    name="slick",
    family="slick",
    suite="hallucination",
    title="Training facts by what the base knew",
    unit="share",
    better="higher",
    chance=None,
    what="The share of training facts that are answered right now. Each fact has the class that the base gives it, by "
    "several prompts: `HighlyKnown` where its likeliest answer is always right, `MaybeKnown` where it sometimes is, "
    "`WeaklyKnown` where only answers drawn at temperature 0.5 are, else `Unknown`. `class/` is the share of each class, "
    "`accuracy/` how many of it are right now, `errors_on_known/` the share of what the base knew that is answered "
    "wrong, of trained facts and of facts that were never trained, with its 95 % interval (Gekhman et al. 2024).",
    flaws="A class is an estimate from four prompts and sixteen draws: a fact near a border may fall on either side, and "
    "who is asked more often finds less `Unknown`. The base answers after examples, where an adapter answers without, so "
    "that errors of the base on what it knew need not be 0; compare with them. The right answer is that of the training "
    "row: a fact that the data change is `Unknown`, though the base knew its old value. Answers in other words count as "
    "wrong, and rows with answers of more than eight words are not asked. At most 200 rows of your own are asked.",
)

UNCERTAINTY = EvalInfo(
    name="uncertainty",
    family="uncertainty",
    suite="hallucination",
    title="Confidence against truth",
    unit="Brier",
    better="lower",
    chance=None,
    what="Each question is answered once greedily and ten times at temperature 1. The figure is the Brier score of what is "
    "drawn: of two drawn answers, 1 where both are wrong and the same, one half where both are wrong and differ, 0 where one is "
    "right. So 0 is sure and right, 1 sure and wrong, and to be wrong without being sure lies between. Chance is what the best "
    "that knows nothing gets. In the micro-world the questions are facts that the base was told, where the stated value is "
    "right, and facts that nobody was told, where only a refusal is. On your own data they are the held-out questions with short "
    "answers (the training rows where none are held out), and sixty widely known facts where no row has one. The parts are about "
    "the greedy answer. Its confidence is the share of the ten that agree with it, `brier` the mean of (confidence - right)², "
    "`brier_of_base_rate` that of one confidence for all, `ece` the mean distance of confidence from accuracy in ten bins and "
    "`ece/if_calibrated` what luck alone makes of it. `auroc` is how often a wrong answer has more entropy among its ten than a "
    "right one, 0.5 being chance.",
    flaws="Answers mean the same only where they are equal after normalising, both right or both refusals. That is exact where "
    "the answers are single known words; elsewhere an answer in other words counts as another meaning, so that free answers look "
    "less sure than they are, for no model that judges meaning is asked. Refusals are recognised by a short list of English "
    "phrases, and a refusal where there is an answer counts as wrong. Ten draws know a confidence to about 0.16, which adds up "
    "to 0.025 to `brier`; and `brier` and `ece` are low for whoever is never sure and always wrong: read them beside `accuracy` and "
    "`skill`. At another temperature confidence is another, and an adapter may move it without moving what it knows.",
)

TRUTHFULQA = EvalInfo(
    name="truthfulqa",
    family="truthfulqa",
    suite="hallucination",
    title="True answers against common errors (TruthfulQA)",
    unit="share",
    better="higher",
    chance=None,
    file="questions that many people answer wrong: mc_task.json or TruthfulQA.csv as their authors publish them",
    what="Questions that many people answer wrong. Of mc_task.json the figure is MC1, the share of questions after which the one "
    "true answer is likelier than every false one; of TruthfulQA.csv it is the share in which the best answer is likelier than "
    "the best false one, which its authors advise since 2025. Chance is that of the items' own numbers of answers. `mc2` is the "
    "share that all true answers have of the probability of all answers, and `mc2/chance` what it is where all are as likely. "
    "`by_` are readings that count length otherwise. `without_question` is the accuracy where the question is "
    "hidden, `pick_the_longest` and `pick_the_shortest` that of whoever only looks at length.",
    flaws="The answers give themselves away: a decision tree that never sees the question reached 79.6 %, so read the figure "
    "beside `without_question`, of which the difference is what the question is worth. Short answers are likelier for being "
    "short. MC2 rewards whoever finds all answers as likely: that gets 0.464 on the published file, more than published models. "
    "The prompt is the bare question; harnesses that put six examples before it get other figures. The questions were chosen so that "
    "GPT-3 failed them, some answers are disputed or have become untrue, and the file is public since 2021, so a model "
    "may have read it. It says nothing about what a model writes when it is free to.",
)

HALUEVAL = EvalInfo(
    name="halueval",
    family="halueval",
    suite="hallucination",
    title="Telling made-up answers (HaluEval)",
    unit="share",
    better="higher",
    chance=0.5,
    file="questions with a right and a made-up answer: qa_data.json as its authors publish it",
    what="Each question is shown twice with what is known, once with the right and once with a made-up answer, and asked is whether the "
    "answer is made up. The figure is the share of right judgements over both, by the likelier of Yes and No: always the same "
    "gets 0.5. `right_answers` and `made_up_answers` are the two apart, `yes_rate` how often Yes was said. `pairwise` is how "
    "often Yes is likelier after the made-up answer than after the right one, and `auroc` the same over all questions: both ask "
    "whether it knows the difference, wherever Yes begins. `length_baseline` calls every answer of more than 27 characters made up, "
    "`longer_baseline` the longer of the two. `ahead_of_length` is how far the figure is above `length_baseline` on the same "
    "questions, with its interval: only above 0 it knows more than a ruler.",
    flaws="The made-up answers were written by ChatGPT and are longer: on the first thousand questions the length alone gets 0.94, the "
    "longer of two 0.97. So a high figure may be a liking for short answers, and a difference between two adapters too. To recognise "
    "what is made up is not the same as not to make it up. `mass` is the probability that Yes and No have at all; where it is "
    "small the model was asked for something that it does not say. The wording of the question is ours, and published figures, "
    "which draw one of the two answers without a seed and count what cannot be read as wrong, cannot be compared.",
)

FAITHFULNESS = EvalInfo(
    name="faithfulness",
    family="faithfulness",
    suite="hallucination",
    title="Answers that keep to a given text",
    unit="share",
    better="higher",
    chance=None,
    file="questions about texts: SQuAD's JSON, or context, question and answers (none where the text does not say)",
    what="Questions about a text that stands before them. The figure is the share of faithful answers: supported by the text, which "
    "means that the first line says a reference in at most eight words more, or refused where the text does not say. Other answers "
    "are `elsewhere in the context` (its words, and no answer), `not in the context`, or `contradicted`: they say one of the texts that the "
    "file gives as contradicting the context, such as what a model believes of old. Answerable and unanswerable questions stand apart, "
    "`balanced` is the mean of both. `made_up` is the share of all answers that contradict the text or hold words that it has not. "
    "Chance is what whoever always refuses, or always says the commonest answer, gets.",
    flaws="It compares words and understands nothing: a right answer in other words is `not in the context`, one that denies a "
    "reference is supported, and a short reference may be met by luck. The more questions without an answer a file has, the more a refusal "
    "is worth: compare with chance, and read `balanced`. Whoever refuses them and does not show that it answers the others above "
    "chance gets no value. Refusals are recognised by a short list of English phrases; how many are missed depends on the "
    "model. Where a text is longer than the model can read, its beginning is cut off and the answer may have gone with it.",
)

HALLUCINATION: tuple[EvalInfo, ...] = (
    FACTS,
    SLICK,
    UNCERTAINTY,
    TRUTHFULQA,
    HALUEVAL,
    FAITHFULNESS,
)
