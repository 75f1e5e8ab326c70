"""The process that a sweep runs in: `python -m workbench.worker FOLDER`, started by a job and never by hand.

It runs the experiment of one sweep folder to its end and exits 0 when every trial trained, 1 when one failed. It
prints only what belongs in the log.
"""

import logging
import os
import sys
import warnings
from pathlib import Path

from workbench.models.quiet import hush_bitsandbytes
from workbench.runs.store import SweepStore


def main() -> int:
    """Run the sweep named on the command line."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # Hub and tokenizer libraries print progress bars and fork warnings that nobody reads in a log.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Notes of libraries to their own developers; a person who reads the log looks for what went wrong.
    hush_bitsandbytes()
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    store = SweepStore.open(Path(sys.argv[1]))
    # Claimed before torch is imported, which takes seconds: whoever started us is waiting for this.
    attempt = store.claim()
    logging.getLogger(__name__).info("attempt %d at %s", attempt, store.path.name)
    try:
        from workbench.experiment import run
    except BaseException as error:
        store.set_status(state="failed", message=f"{type(error).__name__}: {error}")
        raise
    return run(store)


if __name__ == "__main__":
    sys.exit(main())
