"""The process that a sweep runs in: `python -m workbench.worker FOLDER`, started by a job and never by hand.

It runs the experiment of one sweep folder to its end and exits 0 when every trial trained, 1 when one failed. It
prints only what belongs in the log.
"""

import logging
import os
import sys
from pathlib import Path


def main() -> int:
    """Run the sweep named on the command line."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # Hub and tokenizer libraries print progress bars and fork warnings that nobody reads in a log.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from workbench.experiment import run

    return run(Path(sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
