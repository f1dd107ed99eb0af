"""Work done in several threads at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

__all__ = ["run_in_threads"]


def run_in_threads(work: Callable[[Any], object], arguments: Iterable[Any]) -> None:
    """Call `work` with each argument, each in a thread of its own and all at once; raise the first error of any."""
    todo = list(arguments)
    together = Barrier(len(todo))

    def start(argument: Any) -> None:
        together.wait()
        work(argument)

    with ThreadPoolExecutor(len(todo)) as pool:
        for future in [pool.submit(start, argument) for argument in todo]:
            future.result()
