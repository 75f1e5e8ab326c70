"""What libraries tell their own developers while a model loads, kept out of a notebook's cell: `with quietly(): ...`."""

import contextlib
import logging
import warnings
from collections.abc import Iterator


def hush_bitsandbytes() -> None:
    """For the whole process: on some processors it looks for a package that it does without, and says so when it is imported."""
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Without progress bars of transformers, its notices of renamed words, and what bitsandbytes misses on some processors."""
    from transformers.utils import logging as bars

    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    bitsandbytes = logging.getLogger("bitsandbytes")
    level = bitsandbytes.level
    hush_bitsandbytes()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
            yield
    finally:
        bitsandbytes.setLevel(level)
        if shown:
            bars.enable_progress_bar()
