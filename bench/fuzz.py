"""Random and hostile queries: no exception but a clear refusal, and no answer that takes much longer than most.

Texts by hypothesis, broken words of the shop's own titles, FTS5 operators, quotes, scripts of all kinds, very long
words and very many of them.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shelfwise import InvalidInput, Shop
from shelfwise.words import words

HOSTILE = (
    '"', "'", '""', "*", "a*", "NEAR(", "AND", "OR NOT", "^a", "-x", "col:val", "C++", 'red"shoe', "(", ")))", "{}",
    "\\", "%", ";--", "title:", "a OR b)", "\u202e", "\u200b", "🛒🛒", "e\u0301", "ﬁ", "Ａ", "ß", "İ", "中文",
    "日本語テスト", "ภาษาไทย", "العربية", "0" * 300, "a" * 999, "a " * 499, "1.5.2", '17"', "2m", "…", "–", "\t\n",
    "x'y'z", "ab-cd-ef-gh", "1/2", "½",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a shop")
    parser.add_argument("--queries", type=int, default=20_000)
    asked = parser.parse_args()
    with Shop(asked.data) as shop:
        shop.search("warm up", log=False)
        times, refused = ask(shop, asked.queries)
    median, worst = statistics.median(times.values()), max(times, key=lambda query: times[query])
    print(f"{len(times):,} answered, {refused:,} refused clearly, no exception")
    longest = times[worst]
    print(f"median {median:.2f} ms, longest {longest:.2f} ms = {longest / median:.1f} x the median: {worst[:60]!r}")


def ask(shop: Shop, count: int) -> tuple[dict[str, float], int]:
    """Milliseconds of every query, and how many were refused."""
    times: dict[str, float] = {}
    refused = 0
    for query in queries(shop, count):
        started = time.perf_counter()
        try:
            shop.search(query, log=False)
        except InvalidInput:
            refused += 1
            continue
        times[query] = (time.perf_counter() - started) * 1000
    return times, refused


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
