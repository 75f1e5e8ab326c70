"""What other programs took of the processor is theirs; what this process and its children took is not."""

import subprocess
import sys
import time

import psutil

from workbench.timing.others import Others

SPIN = "import time; until = time.process_time() + {}\nwhile time.process_time() < until: pass"


def spun(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_our_own_work_and_that_of_a_child_that_ended_is_not_others() -> None:
    """Whatever else runs here, it takes no more than all cores less the one that we used."""
    others, began = Others(), time.monotonic()
    spun(1.0)
    subprocess.run([sys.executable, "-c", SPIN.format(1.0)], check=True)
    told, taken = others.cores(), time.monotonic() - began
    assert told <= psutil.cpu_count() - 2.0 / taken + 0.15


def test_a_program_of_somebody_else_is_counted() -> None:
    """A child that has not ended is nobody's yet."""
    program = subprocess.Popen([sys.executable, "-c", SPIN.format(60)])
    try:
        time.sleep(0.3)
        others = Others()
        used = seconds_of(program.pid)
        time.sleep(1.5)
        told, used = others.cores(), seconds_of(program.pid) - used
    finally:
        program.kill()
        program.wait()
    assert used > 0
    assert told >= 0.7 * used / 1.6 - 0.1


def seconds_of(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system
