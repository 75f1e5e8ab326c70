"""The catalog's entries for evals that ask what is named behind a colon: a file, a task of lm-eval, a metric of evaluate.

They go into `catalog.EVALS`, which knows how such names are read. Evals of labels that ask a file are in `telling.py`.
"""

from workbench.scores.entry import EvalInfo

CHOICES = EvalInfo(
    name="choices",
    family="choices",
    title="Multiple choice",
    unit="share",
    better="higher",
    chance=None,
    file="one question a row: query, choices and gold",
    what="The share of questions whose right choice is likelier after the question than every other. Beside it stands "
    "what the share would be if likelihoods were counted per token, per character or per byte of the choice, "
    "or less the likelihood of the choice without the question (`by_pmi`). Chance is the mean of one in so many over "
    "the questions' own numbers of choices.",
    flaws="Long choices are unlikely for being long, and choices that are common words likely for being common: the five "
    "readings differ, and the best of them must not be chosen after the fact. A choice that a model picks "
    "is not an answer it would write. Questions of public sets may have been in what the base was trained on. "
    "Where the right choice is tied with another nothing is picked, and the question counts as an error.",
)
EXTRACTIVE = EvalInfo(
    name="extractive",
    family="extractive",
    title="Answers taken from a text",
    unit="share",
    better="higher",
    chance=0.0,
    file="questions about texts, in the shape of SQuAD",
    what="The mean F1 between the words of the answer and those of the nearest reference, as SQuAD's own script counts "
    "them: in lower case, without punctuation and articles. `exact_match` is the share that is the same after that. "
    "In a file with questions that the text does not answer, saying so is the right answer to them, and chance is their "
    "share: what a model gets that never answers.",
    flaws="A right answer in other words than the reference scores low, a wrong one that shares words scores well, and "
    "the articles it ignores are English ones. Only the first line of what is generated is read. Questions about one "
    "article are alike, so the interval counts articles. Public questions may have been in what the base was trained on.",
)
EXACT_ANSWER = EvalInfo(
    name="exact_answer",
    family="exact_answer",
    title="Worked problems with a number for an answer",
    unit="share",
    better="higher",
    chance=0.0,
    file="one problem a row: question and answer, the number last or behind ####",
    what="The share of problems whose answer ends on the right number: the one behind the first `####`, or without that "
    "mark the last number of the text. `strict` is the share that has the right number behind the mark, "
    "`strict/unparsed` the share without a number there. Numbers are compared, so 18, $18 and 18.00 are one.",
    flaws="A right number by a wrong way counts, and so does a number said in passing where it is the last. Fractions, "
    "units and numbers in words are not read. An answer cut at the length limit may end in mid-working: see "
    "the count of truncated ones. A model that was never shown the mark looks bad on `strict` alone.",
)
PERPLEXITY = EvalInfo(
    name="perplexity",
    family="perplexity",
    title="Perplexity of texts",
    unit="bits/byte",
    better="lower",
    chance=None,
    file="one text a row, of any length",
    what="The information that the texts hold for the model, in bits for each of their bytes, as if they were one long "
    "text. `byte_perplexity`, `word_perplexity` and `token_perplexity` are the same sum as exp of its "
    "mean over bytes, over words between white space and over tokens.",
    flaws="It says how expected a text is and nothing about whether the model can do anything with it. Token perplexity "
    "depends on the tokenizer and compares no two models with different ones. Every text is read on its own from "
    "its beginning, without what came before it. A text longer than the context is read in windows (`in_windows` counts them) "
    "that follow each other: the first tokens of a window see little, so its figure is higher than with a longer context.",
)
LM_EVAL = EvalInfo(
    name="lm_eval",
    family="lm_eval",
    title="A task of lm-eval",
    unit="share",
    better="higher",
    chance=None,
    named="a task of the package lm_eval, or the path of a task file (.yaml)",
    what="The mean over documents of the task's main metric, with the prompts, data and metrics of the package lm_eval and the "
    "answers of this workbench. The main metric is the first that one document can have alone; where less of it is better it is "
    "negated, of whole texts it is minus the bits a byte. The task's other metrics stand beside it. Chance is one in so many for "
    "accuracies of multiple choice.",
    flaws="What the task's own flaws are it brings along: see its page. Four things are counted as errors here that lm-eval scores "
    "without notice, so figures can differ from its own: a likelihood that is no number and a tie for the right choice, which it "
    "gives to the first choice; a right choice that is none of those offered; an empty answer. Metrics that only a whole corpus "
    "has, such as BLEU, are not shown. No chat template is put around the prompts, as in lm-eval by default.",
)
METRIC = EvalInfo(
    name="metric",
    family="metric",
    title="A metric of the library evaluate",
    unit="",
    better="higher",
    chance=None,
    what="A metric by its name, `metric:squad_f1=own.jsonl`, of what is generated after each prompt against the references of "
    "the file. Ours are accuracy, exact_match, exact_number, macro_f1, matthews and squad_f1; others are taken from "
    "evaluate's own cache on this machine. A metric that is the mean of its items has the interval of a mean, any other "
    "that of a jackknife over at most 200 parts of the items. Its other numbers stand beside it.",
    flaws="It is as good as the metric: BLEU and ROUGE count words that two texts share and know nothing of their meaning. "
    "Where every reference is one line only the first line of an answer counts. Nothing here knows what chance is, and "
    "more is taken for better but for error rates and perplexity. A metric from the hub is somebody's code.",
    named="a metric and a file of prompts with references",
)

EXAMPLES = {LM_EVAL.name: "arc_easy", METRIC.name: "squad_f1=data/own.jsonl"}
"""What may stand behind the colon where it is no file alone."""
