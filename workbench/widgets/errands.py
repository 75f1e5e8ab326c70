"""One thread for the slow work of a face: `Errands(do).ask()` has it done soon, and `settle()` waits until it is.

What is asked for while it works is done once more afterwards, however often it was asked: only the newest wish counts.
The thread ends when nothing is wanted. It knows neither sweeps nor widgets; `do` shows its own failures.
"""

import threading
from collections.abc import Callable


class Errands:
    """Does one thing in the background, again whenever it is asked to."""

    def __init__(self, do: Callable[[], None], *, name: str) -> None:
        self._do = do
        self._name = name
        self._turn = threading.Condition()
        self._wanted = False
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether something is being done or waits to be."""
        return self._thread is not None

    def ask(self) -> None:
        """Have it done, after what is being done now."""
        with self._turn:
            self._wanted = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def settle(self, *, timeout: float | None = None) -> bool:
        """Wait until nothing is wanted; false when that took too long. The errand itself never waits for itself."""
        with self._turn:
            if self._thread is threading.current_thread():
                return False
            return self._turn.wait_for(lambda: self._thread is None, timeout)

    def _run(self) -> None:
        while True:
            with self._turn:
                if not self._wanted:
                    self._thread = None
                    self._turn.notify_all()
                    return
                self._wanted = False
            try:
                self._do()
            except BaseException:
                with self._turn:
                    self._thread = None
                    self._turn.notify_all()
                raise
