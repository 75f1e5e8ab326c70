"""The catalog's entries for evals of robustness: what each means and what is wrong with it. They go into `catalog.EVALS`."""

from workbench.scores.entry import EvalInfo

_ASKED = (
    "In the micro-world the questions are facts that the base was told and the data leave as they are; on your own data "
    "they are the held-out rows where most have short answers (the training rows where none are held out), met exactly. Where there are none the "
    "model is asked which of four second halves continues an everyday English sentence, by likelihood per byte. "
)
_CHANCE = "Chance is what guessing gets, or saying the commonest right answer to everything, whichever is more. "

PERTURBED = EvalInfo(
    name="perturbed",
    family="perturbed",
    suite="robustness",
    title="Right when asked with typos and other noise",
    unit="share",
    better="higher",
    chance=None,
    what="The share of questions answered right after a change that leaves their meaning: typos in 5, 10 and 20 % of the "
    "letters, all lower or all upper case, doubled spaces, words run together, marks removed or doubled, and an unrelated "
    "sentence before or after. "
    + _ASKED
    + "`clean` is the accuracy on the same questions as they are, `drop` the clean "
    "accuracy less the changed one with its paired interval, `kept` the share of answers right before that are right "
    "after, `consistency` the share of answers that stay the same, `right_in_every_form` the share of items right "
    "under every change. " + _CHANCE,
    flaws="A model that always says the same is perfectly consistent and loses nothing, so `drop`, `consistency` and `kept` are only "
    "told where the clean accuracy is shown to be above chance; even then read them beside it, because a model that knows little has "
    "little to lose. A typo may make another word, and a name in another case may be another name: not every drop is a mistake. "
    "An empty answer is counted as an error and not as wrong; `if_errors_are_wrong` counts it as wrong. A change that leaves a text as it was "
    "is counted (`unchanged`) and not asked. The changes are simple and made for alphabets; they are not "
    "the typos of your users, and nobody searched for the worst one.",
)
TEMPLATES = EvalInfo(
    name="templates",
    family="templates",
    suite="robustness",
    title="Right in other templates of the same question",
    unit="share",
    better="higher",
    chance=None,
    what="The share of questions answered right, over several templates that mean the same: ten phrasings of each fact in the micro-world, "
    "else six frames, such as `Question: ... Answer:`. "
    + _ASKED
    + "`sd/template` is the standard deviation of accuracy between "
    "templates beyond what these items explain by chance, with its interval; `sd/item` is that between items, `sd/rest` what "
    "neither explains. The interval of the figure is for other items in these templates; `over_items_and_templates` is for other templates too. "
    + _CHANCE,
    flaws="Ten phrasings or six frames are few: the variance between templates is known badly, and its interval says how badly. They are "
    "ours and no sample of how your users ask. The difference between the best and the worst template (`spread`) grows with their "
    "number and shrinks with items; compare `sd/template` instead. A model that always says the same agrees with itself in all templates, so `same_in_all` is only "
    "told where accuracy is shown to be above chance. A prompt of your own that has a frame already gets another around it.",
)
LENGTHS = EvalInfo(
    name="lengths",
    family="lengths",
    suite="robustness",
    title="Right behind long filler",
    unit="share",
    better="higher",
    chance=None,
    what="The share of questions answered right when plain sentences that say nothing about them stand before, until the prompt fills 25, 50 and 90 % of the "
    "model's context, and 110 %, where its beginning is cut off; the question always stands last. "
    + _ASKED
    + "`clean` is the accuracy without "
    "filler, `drop` the clean accuracy less that behind filler with its paired interval, for each fill too; `per_doubling` is what a doubling of the prompt "
    "adds to accuracy. " + _CHANCE,
    flaws="Of a context of more than 2,048 tokens only so many are filled, and nothing past the context is asked: this is a test of distraction and not of "
    "whether a long context can be used, because nothing in the filler is needed. The filler is of one kind of sentence. `drop` is only told where the clean accuracy is shown "
    "to be above chance. `truncated` counts prompts that were cut, and answers that did not end in time.",
)

ROBUSTNESS: tuple[EvalInfo, ...] = (PERTURBED, TEMPLATES, LENGTHS)
