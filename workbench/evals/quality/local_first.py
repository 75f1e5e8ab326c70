"""Data of the hub taken from this machine where it lies here, and from the network only where that answers.

`data_of_hub(load)` calls `load` as if there were no network, and once more with it where something is missing and the hub
answers one short question. So data that cannot be had is an error within seconds, and not after a minute of attempts.
It does not know what is loaded.
"""

import contextlib
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import TypeVar

Data = TypeVar("Data")

SECONDS = 3.0
"""How long the hub may take to answer whether it is there."""


def data_of_hub(load: Callable[[], Data]) -> Data:
    """What `load` gives; its own error where that is neither here nor to be had."""
    try:
        with _no_network():
            return load()
    except (OSError, ValueError) as error:
        # A file that is named and is not there is nobody's on the hub.
        if type(error) is FileNotFoundError or not is_missing(error) or not _hub_answers():
            raise
    return load()


def is_missing(error: Exception) -> bool:
    """Whether data is not there, rather than wrong."""
    return isinstance(error, OSError) or "find cache for" in str(error)


@contextlib.contextmanager
def _no_network() -> Iterator[None]:
    """As HF_HUB_OFFLINE, which both libraries read only once."""
    import datasets
    import huggingface_hub

    places = (datasets.config, huggingface_hub.constants)
    before = [place.HF_HUB_OFFLINE for place in places]
    for place in places:
        place.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        for place, value in zip(places, before, strict=True):
            place.HF_HUB_OFFLINE = value


def _hub_answers() -> bool:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    question = urllib.request.Request(constants.ENDPOINT, method="HEAD")  # noqa: S310  It is where the hub is by the settings.
    try:
        urllib.request.urlopen(question, timeout=SECONDS).close()  # noqa: S310
    except urllib.error.HTTPError:
        return True
    except urllib.error.URLError as error:
        # Somebody answered whom Python's own list of certificates does not know; the hub's client may.
        return isinstance(error.reason, ssl.SSLError)
    except OSError:
        return False
    return True
