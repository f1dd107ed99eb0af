"""Random and hostile queries: no exception but a clear refusal, and no answer that takes much longer than most.

Texts by hypothesis, broken words of the shop's own titles, FTS5 operators, quotes, scripts of all kinds, very long
words and very many of them.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bench.support.options import add_data, new_parser
from shelfwise import InvalidInput, Shop
from shelfwise.text.normalize import words

HOSTILE = (
    '"', "'", '""', "*", "a*", "NEAR(", "AND", "OR NOT", "^a", "-x", "col:val", "C++", 'red"shoe', "(", ")))", "{}",
    "\\", "%", ";--", "title:", "a OR b)", "\u202e", "\u200b", "🛒🛒", "e\u0301", "ﬁ", "Ａ", "ß", "İ", "中文",
    "日本語テスト", "ภาษาไทย", "العربية", "0" * 300, "a" * 999, "a " * 499, "1.5.2", '17"', "2m", "…", "–", "\t\n",
    "x'y'z", "ab-cd-ef-gh", "1/2", "½",
)  # fmt: skip


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one query: by the clock, of the processor, and of them in garbage collections."""

    clock: float
    processor: float
    garbage: float
    query: str


def main() -> None:
    parser = new_parser(__doc__)
    add_data(parser, "a shop")
    parser.add_argument("--queries", type=int, default=20_000)
    parser.add_argument("--show", type=int, default=3, metavar="N", help="print the N queries that took longest")
    options = parser.parse_args()
    with Shop(options.data) as shop:
        texts = list(random_queries(shop, options.queries))
        shop.search("warm up", log=False)
        gc.collect()
        gc.freeze()  # what made the queries is no part of a search
        times, refused = search_all(shop, texts)
    print(f"{len(times):,} answered, {refused:,} refused clearly, no exception")
    for name in ("clock", "processor"):
        taken = sorted(getattr(timing, name) for timing in times)
        median, longest = statistics.median(taken), taken[-1]
        p99 = taken[len(taken) * 99 // 100]
        ratio = f"{longest / median:.1f} x the median"
        print(f"by the {name}: median {median:.2f} ms, p99 {p99:.2f} ms, longest {longest:.2f} ms = {ratio}")
    for slow in sorted(times, key=lambda timing: -timing.clock)[: options.show]:
        print(f"  {slow.clock:.1f} ms, processor {slow.processor:.1f}, garbage {slow.garbage:.1f}: {slow.query[:60]!r}")


def search_all(shop: Shop, texts: Sequence[str]) -> tuple[list[Timing], int]:
    """Return what every query took, and how many were refused."""
    times: list[Timing] = []
    refused = 0
    garbage = GarbageClock()
    for query in texts:
        garbage.seconds = 0.0
        started, before = time.perf_counter(), time.thread_time()
        try:
            shop.search(query, log=False)
        except InvalidInput:
            refused += 1
            continue
        seconds = time.perf_counter() - started, time.thread_time() - before, garbage.seconds
        times.append(Timing(*(1000 * second for second in seconds), query))
    return times, refused


class GarbageClock:
    """Adds up the seconds of garbage collections from now on."""

    def __init__(self) -> None:
        self.seconds = self._started = 0.0
        gc.callbacks.append(self._note)

    def _note(self, phase: str, _: dict[str, int]) -> None:
        now = time.perf_counter()
        self.seconds += now - self._started if phase == "stop" else 0.0
        self._started = now


def random_queries(shop: Shop, count: int) -> Iterator[str]:
    """Yield texts of hypothesis, then broken and hostile words."""
    rng = random.Random(1)
    vocabulary = [word for _, title in shop.store.items.titles() for word in words(title)]
    texts: list[str] = []

    @settings(max_examples=count // 2, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(
        st.one_of(st.text(max_size=1_000), st.text(st.characters(), max_size=40), st.from_regex(r"[\w\"*():^-]{1,30}"))
    )
    def collect(text: str) -> None:
        texts.append(text)

    collect()
    yield from texts
    for number in range(count - len(texts)):
        parts = [break_word(rng.choice(vocabulary), rng) for _ in range(rng.randint(1, 6))]
        if number % 3 == 0:
            parts.insert(rng.randint(0, len(parts)), rng.choice(HOSTILE))
        yield " ".join(parts)


def break_word(word: str, rng: random.Random) -> str:
    """Return the word as it is, cut, with another character in it, or reversed."""
    at = rng.randrange(len(word) + 1)
    return rng.choice([word, word[:at], word[:at] + rng.choice("abcdefgh'\"*-") + word[at:], word[::-1]])


if __name__ == "__main__":
    main()
