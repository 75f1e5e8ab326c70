"""What a plan says of time, in the same words on the command line, on the cost card and in `plan.json`.

`time_in_words(seconds, said=...)` and `gain_in_words(gain, ...)` are pure; a duration reads as `in_words` writes it.
"""


def in_words(seconds: float) -> str:
    """A duration in one figure or two.

    >>> in_words(42), in_words(150), in_words(7300)
    ('42 s', '2.5 min', '2 h')
    """
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.2g} {unit}"
    return f"{max(1, round(seconds))} s"


def time_in_words(seconds: float | None, *, said: str) -> str:
    """How long training takes and what says so, or why that is unknown.

    >>> time_in_words(42.0, said="for rows of 20 tokens")
    'training about 42 s, for rows of 20 tokens'
    """
    if seconds is None:
        return f"time unknown: {said}"
    return f"training about {in_words(seconds)}, {said}"


def gain_in_words(gain: float, *, trials: int, worth: float) -> str:
    """What sharing one training gains.

    >>> gain_in_words(1.04, trials=4, worth=1.1)
    'fusing 4 trials: not worth fusing here, their steps take 1.04 times as long one after the other'
    """
    times = f"{gain:.2f} times as long one after the other"
    if gain < worth:
        return f"fusing {trials} trials: not worth fusing here, their steps take {times}"
    return f"fusing {trials} trials: their steps would take {times}"
