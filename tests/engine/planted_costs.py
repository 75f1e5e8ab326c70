"""What `Costs` says of trainings that take so many bytes each: `python -m tests.engine.planted_costs BYTES...`, in a process of its own.

With `freed:BYTES` as the first word so much was taken and freed before, as loading does.

Beside other tests a process holds what these left, and gives it back at moments of its own.
"""

import json
import sys

import numpy as np

from workbench.engine.peak import Costs


def main() -> None:
    """Take them one after the other, and print what was told."""
    costs = Costs()
    words = sys.argv[1:]
    if words[0].startswith("freed:"):
        pieces = [bytearray(2**20) for _ in range(int(words.pop(0).removeprefix("freed:")) >> 20)]
        del pieces
    for size in map(int, words):
        with costs.training():
            # Written to, so that the pages are there.
            planted = np.ones(size, dtype=np.uint8)
            del planted
    plan = {"peak": 1, "parts": {"weights": 10, "adapters": 2, "activations": 1}}
    told = costs.told(plan, trained=2.0)
    known = {"libraries": costs.libraries(plan), "of_no_plan": costs.libraries({})}
    print(json.dumps({"told": told, **known}))


if __name__ == "__main__":
    main()
