"""Threads that search a shop for its items' own titles while something happens to it, and what they met.

A mixed answer would be one with vectors of another encoder than that of its index: an item's title would no longer find
that item.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.support.example_shop import Title
from shelfwise import Shop
from shelfwise.types import Row

__all__ = ["ReaderLog", "Search", "reader_threads", "shop_readers"]

Search = Callable[[str], Row]  # an answer as `GET /search` gives it


class ReaderLog:
    """The answers by generation, when each reader last met another generation, and what was wrong."""

    def __init__(self) -> None:
        self.answers: Counter[int | None] = Counter()
        self.wrong: list[str] = []
        self.newest: dict[str, tuple[int | None, float]] = {}  # reader → its generation, and since when

    def search_title(self, reader: str, title: Title, search: Search) -> None:
        """Search for an item's title, and note the answer."""
        try:
            answer = search(title[1])
        except Exception as problem:  # counted and shown: any failure is a result
            self.wrong.append(repr(problem))
            return
        number = answer["generation"]
        self.answers[number] += 1
        if self.newest.get(reader, (None, 0.0))[0] != number:
            self.newest[reader] = number, time.perf_counter()
        if title[0] not in [hit["id"] for hit in answer["hits"]] or answer.get("degraded"):
            self.wrong.append(f"{title}: {[hit['id'] for hit in answer['hits']]} {answer.get('degraded')}")


@contextmanager
def shop_readers(folder: Path, titles: Sequence[Title], count: int = 1) -> Iterator[ReaderLog]:
    """Search by `count` threads that share one Shop until the block ends; yields what they meet."""
    log = ReaderLog()
    with Shop(folder) as shop:
        shop.watch()

        def search(query: str) -> Row:
            return shop.search(query, limit=5, log=False).to_dict()

        with reader_threads([search] * count, titles, log, "thread"):
            yield log


@contextmanager
def reader_threads(searches: Sequence[Search], titles: Sequence[Title], log: ReaderLog, kind: str) -> Iterator[None]:
    """Search by one thread for each function until the block ends."""
    stop = threading.Event()

    def read(name: str, search: Search) -> None:
        while not stop.wait(0.005):  # a busy shop, not a benchmark of it
            log.search_title(name, random.choice(titles), search)

    threads = [
        threading.Thread(target=read, args=(f"{kind} {number}", search)) for number, search in enumerate(searches)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
