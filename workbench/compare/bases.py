"""A sweep over base models has one control, the base of its first trial; what that means for differences to it is said here.

`several_bases(reading)` is a sentence for the caveats, empty where all trials are on one model.
"""

from workbench.compare import wording
from workbench.compare.reading import Reading


def several_bases(reading: Reading) -> str:
    """That differences to the base are of models, too, for trials on another one than the first."""
    names = list(dict.fromkeys(trial.spec.model.id for trial in reading.store.trials))
    mine = {trial.spec.model.id for trial in reading.trials}
    if mine <= {names[0]}:
        return ""
    return (
        f"The sweep has several base models ({wording.listed(names)}), and the base in every table is {names[0]}. "
        "For a trial on another one, the difference to it is of models as well as of training."
    )
