"""Random and hostile queries: no exception but a clear refusal, and no answer that takes much longer than most.

Texts by hypothesis, broken words of the shop's own titles, FTS5 operators, quotes, scripts of all kinds, very long
words and very many of them.
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shelfwise import InvalidInput, Shop
from shelfwise.text.normalize import words

HOSTILE = (
    '"', "'", '""', "*", "a*", "NEAR(", "AND", "OR NOT", "^a", "-x", "col:val", "C++", 'red"shoe', "(", ")))", "{}",
    "\\", "%", ";--", "title:", "a OR b)", "\u202e", "\u200b", "🛒🛒", "e\u0301", "ﬁ", "Ａ", "ß", "İ", "中文",
    "日本語テスト", "ภาษาไทย", "العربية", "0" * 300, "a" * 999, "a " * 499, "1.5.2", '17"', "2m", "…", "–", "\t\n",
    "x'y'z", "ab-cd-ef-gh", "1/2", "½",
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """Milliseconds of one query: by the clock, of the processor, and of them in garbage collections."""

    clock: float
    processor: float
    garbage: float
    query: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a shop")
    parser.add_argument("--queries", type=int, default=20_000)
    parser.add_argument("--show", type=int, default=3, metavar="N", help="print the N queries that took longest")
    given = parser.parse_args()
    with Shop(given.data) as shop:
        texts = list(queries(shop, given.queries))
        shop.search("warm up", log=False)
        gc.collect()
        gc.freeze()  # what made the queries is no part of a search
        times, refused = ask(shop, texts)
    print(f"{len(times):,} answered, {refused:,} refused clearly, no exception")
    for name in ("clock", "processor"):
        taken = sorted(getattr(asked, name) for asked in times)
        median, longest = statistics.median(taken), taken[-1]
        p99 = taken[len(taken) * 99 // 100]
        ratio = f"{longest / median:.1f} x the median"
        print(f"by the {name}: median {median:.2f} ms, p99 {p99:.2f} ms, longest {longest:.2f} ms = {ratio}")
    for one in sorted(times, key=lambda asked: -asked.clock)[: given.show]:
        print(f"  {one.clock:.1f} ms, processor {one.processor:.1f}, garbage {one.garbage:.1f}: {one.query[:60]!r}")


def ask(shop: Shop, texts: Sequence[str]) -> tuple[list[Asked], int]:
    """What every query took, and how many were refused."""
    times: list[Asked] = []
    refused = 0
    collected = Collected()
    for query in texts:
        collected.seconds = 0.0
        started, before = time.perf_counter(), time.thread_time()
        try:
            shop.search(query, log=False)
        except InvalidInput:
            refused += 1
            continue
        seconds = time.perf_counter() - started, time.thread_time() - before, collected.seconds
        times.append(Asked(*(1000 * second for second in seconds), query))
    return times, refused


class Collected:
    """Adds up the seconds of garbage collections from now on."""

    def __init__(self) -> None:
        self.seconds = self._started = 0.0
        gc.callbacks.append(self._note)

    def _note(self, phase: str, _: dict[str, int]) -> None:
        now = time.perf_counter()
        self.seconds += now - self._started if phase == "stop" else 0.0
        self._started = now


def queries(shop: Shop, count: int) -> Iterator[str]:
    chance = random.Random(1)
    vocabulary = [word for _, title in shop.store.items.titles() for word in words(title)]
    made: list[str] = []

    @settings(max_examples=count // 2, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(
        st.one_of(st.text(max_size=1_000), st.text(st.characters(), max_size=40), st.from_regex(r"[\w\"*():^-]{1,30}"))
    )
    def collect(text: str) -> None:
        made.append(text)

    collect()
    yield from made
    for number in range(count - len(made)):
        parts = [broken(chance.choice(vocabulary), chance) for _ in range(chance.randint(1, 6))]
        if number % 3 == 0:
            parts.insert(chance.randint(0, len(parts)), chance.choice(HOSTILE))
        yield " ".join(parts)


def broken(word: str, chance: random.Random) -> str:
    place = chance.randrange(len(word) + 1)
    return chance.choice([word, word[:place], word[:place] + chance.choice("abcdefgh'\"*-") + word[place:], word[::-1]])


if __name__ == "__main__":
    main()
