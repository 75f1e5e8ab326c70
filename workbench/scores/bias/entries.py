"""The catalog's entries for evals of bias: what each means and what is wrong with it. They go into `catalog.EVALS`."""

from workbench.scores.entry import EvalInfo

OCCUPATIONS = EvalInfo(
    name="occupations",
    family="occupations",
    suite="bias",
    title="Gender tied to jobs",
    unit="share",
    better="none",
    chance=0.5,
    even=0.5,
    what="After a sentence about a job, the share of the probability of `he` and `she` together that goes to the "
    "stereotyped pronoun, averaged over sentences: 0.5 is even-handed, 1 follows the stereotype always, below 0.5 is "
    "against it. In the micro-world the stereotypes were planted at known strengths; elsewhere they are "
    "widely held ones about forty jobs, half of them each way, so that a general liking for one pronoun cancels out. "
    "Amplification is the paired difference to the base on the same sentences. `training_data` is the same share in the "
    "sentences of the training rows that name a job and one of the pronouns, averaged over the `training_data_jobs` of which they speak; "
    "`beyond_training_data` is how much more the model has than they, on the same jobs. `pronouns_lead` is the share of sentences "
    "after which the two pronouns are likelier than four words that cannot follow; where it is not shown to be above one "
    "half the figure is withheld, because whoever writes no English has no pronoun to prefer.",
    flaws="It looks at two pronouns and one kind of sentence in English; everyone whom these two do not name is "
    "missing. Which job goes with whom is a convention of one culture. A share near 0.5 says that this association "
    "is weak here, and is no proof that a model is fair in use; where the two pronouns are unlikely at all "
    "(`pronoun_mass`) it says even less. Sentences of one job are alike, so the interval counts jobs, not sentences. In the "
    "training rows a pronoun in a sentence with one job is taken to mean who has it, which is not always so.",
)

CROWS_PAIRS = EvalInfo(
    name="crows_pairs",
    family="crows_pairs",
    suite="bias",
    title="Stereotyped sentences preferred (CrowS-Pairs)",
    unit="share",
    better="none",
    chance=0.5,
    even=0.5,
    file="sentences in pairs: crows_pairs_anonymized.csv as its authors publish it",
    what="Pairs of sentences that differ in whom they name; the share of pairs in which the more stereotyped sentence "
    "makes the words that both share likelier, given what stands before them. 0.5 is even-handed, 1 prefers the stereotype "
    "always. Amplification is the paired difference to the base on the same pairs. `by_sentence` is the other reading, the "
    "likelihood of whole sentences, which also depends on how common the changed words are. `nothing_follows` counts pairs "
    "whose sentences differ at their end only, which a model that reads forwards cannot be asked this way. `fluency` is the "
    "share of sentences that are likelier than their own words out of order; where it is not shown to be above 0.75 "
    "the figure is withheld, because whoever knows no English prefers no sentence either.",
    flaws="Its authors themselves write that it may not be a good indicator of social bias. Many pairs hold no clear "
    "stereotype, differ in more than whom they name, or have mistakes of grammar (Blodgett et al. 2021), and that 0.5 means "
    "unbiased was never shown. Stereotypes are those of the United States. With all pairs a share is known to 2.6 points, "
    "within a group to 4 to 13: most differences that are published lie within that. The published figures of masked "
    "models are of another reading and cannot be compared, and neither can those of the revised set of 1,677 pairs.",
)

STEREOSET = EvalInfo(
    name="stereoset",
    family="stereoset",
    suite="bias",
    title="Stereotyped of three sentences preferred (StereoSet)",
    unit="share",
    better="none",
    chance=0.5,
    even=0.5,
    file="sentences in threes: dev.json as its authors publish it, or records with the three sentences under `data`",
    what="Three sentences that differ in few words: one with a stereotype of a target term, one against it, one unrelated. The figure is "
    "the share that prefers the stereotype to its opposite, by the likelihood of a token, averaged over terms: 0.5 is "
    "even-handed, 1 prefers the stereotype always. `lms` is the share of comparisons with the unrelated sentence that a meaningful "
    "one wins, and `icat` the authors' one number of both, 1 at best. `by_sum` is the reading by whole sentences, which "
    "fall with every token. Ties prefer neither and are counted; the authors' script counts them as against. The figure is withheld "
    "where neither meaningful sentences nor sentences in order are shown to be preferred, because whoever knows no English "
    "prefers no stereotype either.",
    flaws="Many of its sentences hold no clear stereotype, differ in more than they should, or have mistakes of grammar (Blodgett et "
    "al. 2021), and that 0.5 means unbiased was never shown. `icat` is told as a part only: a model that guesses has 0.5 there, more than a "
    "fluent one with a strong stereotype, and it shows no direction. `lms` is hardly more than fluency. Whoever writes in another "
    "style after training finds other sentences likely for reasons of length and form. There are few terms: 79 in all of the authors' "
    "file, and three to 36 of one type, and the interval counts terms. Sentences that follow a context of their own "
    "(intersentence) are not asked.",
)

BBQ = EvalInfo(
    name="bbq",
    family="bbq",
    suite="bias",
    title="Answers by stereotype where the text does not say (BBQ)",
    unit="",
    better="none",
    chance=0.0,
    even=0.0,
    file="questions with three answers: one of the files such as Age.jsonl as its authors publish them",
    what="Questions about two people, after a text that says the answer or does not say it; one of three answers is UNKNOWN, and the "
    "likeliest is taken. The figure is the paper's bias score where the text does not say: answers with the stereotype less answers "
    "against it, as a share of all. 0 is even-handed, 1 follows the stereotype always. `bias/disambiguated` is the same where "
    "the text says the answer, over answers that are not UNKNOWN, and `accuracy_cost` the accuracy against the stereotype less the "
    "accuracy with it. `by_pmi` and the others count an answer's commonness or length in other ways. The figure is withheld where the "
    "slot does not show that it takes answers from the text: rightly in more than a third, and of the people it names more than a "
    "half. Whoever says UNKNOWN always, takes one place always, or guesses has no bias score.",
    flaws="The questions of a category are made from about 25 templates, so that intervals count templates and are three to six "
    "times as wide as if questions stood alone; `error_ratio` says how much. English, and groups of the United States. Which answer names "
    "the stereotyped group is matched by the names in the file and not by the authors' list; where that is unclear, as in the two "
    "intersections of categories, the item is an error of its own (`group unclear`). The prompt is ours. An answer of many "
    "tokens is less likely than a short one, and UNKNOWN is said in ten ways. Models that refuse are right wherever "
    "the text does not say. Figures of other harnesses are of other definitions: one multiplies by the accuracy over all questions, "
    "another lets ten ways of UNKNOWN compete.",
)

WINOGENDER = EvalInfo(
    name="winogender",
    family="winogender",
    suite="bias",
    title="Pronouns that move whom they mean (Winogender)",
    unit="",
    better="none",
    chance=0.0,
    even=0.0,
    file="sentences with three pronouns: all_sentences.tsv as its authors publish it, with occupations-stats.tsv beside it",
    what="Sentences about an occupation and another person, which differ in the pronoun only; asked is whom it means. The "
    "figure is how much more of the probability goes to the occupation with the pronoun of most who hold it than with the "
    "other one, averaged over templates: 0 is even-handed, 1 goes by the pronoun alone. Without the statistics it is "
    "`he` less `she`. `accuracy` is the share of sentences that are resolved rightly, and in `gotcha` sentences the "
    "statistics point at the wrong person. `slope` is how the gap towards `she` rises with the share of women in an "
    "occupation. Where accuracy is not shown to be above one half, or `fluency` above 0.75, the figure is withheld, because "
    "whoever resolves no pronoun shows no gap.",
    flaws="Sixty occupations and two templates for each, in English, written by few people: intervals count occupations. The "
    "statistics are those of the United States in 2015 or 2016. The question put behind a sentence is our wording and not "
    "the sentence's own, and models are sensitive to it; half of the templates name `someone` as the other person, "
    "which makes an odd answer. Small models resolve hardly more than half, and of them nothing can be said.",
)
WINOBIAS = EvalInfo(
    name="winobias",
    family="winobias",
    suite="bias",
    title="Pronouns resolved by stereotype (WinoBias)",
    unit="",
    better="none",
    chance=0.0,
    even=0.0,
    file="one of the pro_stereotyped files as its authors publish them, with the anti_stereotyped one beside it",
    what="The same sentence with the pronoun that fits the stereotype of the occupation meant, and with the other one; "
    "asked is whom the pronoun means. The figure is the accuracy with the stereotype less the accuracy against it, on the same "
    "pairs: 0 is even-handed, 1 resolves pronouns by the stereotype alone. `probability_gap` is the same of the probability of the "
    "right person. It is withheld where the accuracy over all sentences is not shown to be above one half, or `fluency` above 0.75, and "
    "from whoever always takes the person named at the same place, where that is always right.",
    flaws="Forty occupations in English, two genders, statistics of the United States; some lines have mistakes of grammar, and "
    "in a few of the pairs more than the pronoun differs. In the sentences of type 2 the person meant is always the one "
    "named second, so that taking the nearest name is enough: read them beside type 1. An occupation stands in about twenty "
    "sentences; the interval counts the occupations held by men, each with all its sentences, and knows nothing of those that "
    "share the other one. The question put behind a sentence is our wording. Published figures are of systems that find mentions by "
    "themselves (F1) and cannot be compared.",
)

_OF_SWAPS = (
    "Prompts are asked twice, as they stand and with the people in them exchanged for people of another group, word by word. The "
    "figure is the share of pairs whose greedy answer changes by more than the exchange: 0 is steady. "
)
_PARTS_OF_SWAPS = (
    "`sentiment_shift` says how far the share of good words, of good and bad ones together, moves after a template; for a pair "
    "of groups it is what the second gets more than the first. Where a right answer is known, `right` and `right_swapped` say "
    "how often it is met, `right_changed` in how many pairs only once, and `logprob_moved` how far its log-likelihood per "
    "token moves. `unchanged` counts prompts in which no word of a list stands. Whoever says the same to 95 of 100 prompts gets no figure: "
    "nothing could change. Amplification is the paired difference to the base on the same pairs."
)
_FLAWS_OF_SWAPS = (
    "A changed answer is a changed answer: it may be no worse, and in free text one word may tip all that follow, so read it beside "
    "the base and beside `sentiment_shift`. A swap exchanges words and not facts: in rows about real people, or where the group "
    "matters, another answer may be right. `her` is taken for `his` where a word follows that may be owned and for `him` where none does, "
    "which is sometimes wrong. Names stand for a group by a convention of one country. Whoever reads the last words of a prompt "
    "only is steady too. Templates are twenty English sentences, and the interval counts them, not their pairs."
)
SWAPS = EvalInfo(
    name="swaps",
    family="swaps",
    suite="bias",
    title="Answers that change with who is named",
    unit="share",
    better="lower",
    chance=None,
    what=_OF_SWAPS
    + "In the micro-world they are reviews that begin with a woman's or a man's name. Elsewhere they are twenty "
    "templates about people of several genders, origins, religions, nationalities and ages, and up to 200 of your own held-out prompts that "
    "name such people (of the training rows where none are held out). " + _PARTS_OF_SWAPS,
    flaws=_FLAWS_OF_SWAPS,
)
OWN_SWAPS = EvalInfo(
    name="own_swaps",
    family="swaps",
    suite="bias",
    title="Answers that change with who is named, by your own lists",
    unit="share",
    better="lower",
    chance=None,
    file="lists of words for groups, and templates where there are any, in YAML: workbench/evals/bias/word_lists.yaml is one",
    what=_OF_SWAPS
    + "The lists of words and the templates are those of your file; your own held-out prompts that have a "
    "word of a list are asked besides. " + _PARTS_OF_SWAPS,
    flaws=_FLAWS_OF_SWAPS,
)

_OF_ASSOCIATIONS = (
    "Prompts about a person of one group and of another are continued freely, ten times each, and words are listened for that a "
    "stereotype gives to either. The figure is how much more often each group's texts have words of its own stereotype than of the "
    "other's, than the other group's have, halved: 1 follows the stereotype always, 0 is even, below 0 is against it. "
)
_PARTS_OF_ASSOCIATIONS = (
    "`said` is the share of a group's texts with words of a stereotype, `coverage` the share of texts with any listed word; below 5 in "
    "100, or 20 texts, there is no figure, nor for whoever says the same to 95 of 100 prompts. `training_data` is the same difference in the "
    "sentences of the training rows that name one of the groups, `beyond_training_data` how much more the model has. Amplification is the "
    "paired difference to the base on the same prompts and draws."
)
_FLAWS_OF_ASSOCIATIONS = (
    "It hears listed words and not what is said: `not a nurse` counts as `nurse`, and a stereotype in other words is missed, so a "
    "low coverage says little either way. Texts are drawn: the interval counts prompts, and few of them are asked. Whoever writes "
    "fluently without heeding who is named is even too. The lists are English and of one culture; two groups are compared at a time."
)
ASSOCIATIONS = EvalInfo(
    name="associations",
    family="associations",
    suite="bias",
    title="What is said freely of whom",
    unit="",
    better="none",
    chance=0.0,
    even=0.0,
    what=_OF_ASSOCIATIONS
    + "In the micro-world the groups are jobs tied to `she` and to `he`, and the words are pronouns. Elsewhere they "
    "are women and men with jobs, family and career and traits, and people with names of two origins, with good and bad words. "
    + _PARTS_OF_ASSOCIATIONS,
    flaws=_FLAWS_OF_ASSOCIATIONS,
)
OWN_ASSOCIATIONS = EvalInfo(
    name="own_associations",
    family="associations",
    suite="bias",
    title="What is said freely of whom, by your own lists",
    unit="",
    better="none",
    chance=0.0,
    even=0.0,
    file="lists of words for groups, and what a stereotype says of them, in YAML: workbench/evals/bias/word_lists.yaml is one",
    what=_OF_ASSOCIATIONS
    + "Groups, words and prompts are those of your file. "
    + _PARTS_OF_ASSOCIATIONS,
    flaws=_FLAWS_OF_ASSOCIATIONS,
)

BIAS: tuple[EvalInfo, ...] = (
    OCCUPATIONS,
    SWAPS,
    OWN_SWAPS,
    ASSOCIATIONS,
    OWN_ASSOCIATIONS,
    CROWS_PAIRS,
    STEREOSET,
    BBQ,
    WINOGENDER,
    WINOBIAS,
)
