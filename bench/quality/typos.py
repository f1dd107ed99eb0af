"""Typing errors: how often a product is still found when its name is mistyped, and what must never be corrected.

Known items: 2 to 4 words of a product's title, of three letters or more, are typed right and typed wrong, with one edit
(insert, delete, replace, transpose) for every 5 letters. Recall@10 is the share of the queries whose product is among
the first 10 hits.
"""

from __future__ import annotations

import argparse
import random
import re
import string
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from shelfwise import Shop
from shelfwise.catalogue.postings import PostingsCache
from shelfwise.ingest.importer import ImportFiles, import_items
from shelfwise.ingest.readers import ColumnMapping
from shelfwise.query.understanding import Query, understand
from shelfwise.query.vocabulary import build_vocabulary
from shelfwise.store import Store
from shelfwise.trainer import init
from shelfwise.types import EVENT_FIELDS, ITEM_FIELDS

Search = Callable[[str], list[str]]  # the ids of the first hits for a query

_K = 10
_LETTERS_AN_EDIT = 5
_WORD = re.compile(r"[^\W_](?:\S*[^\W_])?")


def main() -> None:
    given = options().parse_args()
    folder = given.out / "shops" / "typos"
    reading = ColumnMapping.of(ITEM_FIELDS, given.rename, given.scale, foreign=EVENT_FIELDS)
    with Shop(folder) as shop:
        import_items(shop, ImportFiles([given.items], reading))
    if given.through == "shop":
        init(folder, given.model)
    with Shop(folder) as shop:
        reader = Reader(shop.store)
        search = reader.search if given.through == "terms" else through(shop)
        chance = random.Random(given.seed)
        cases = typed(shop.store, chance, given.queries, given.shortest, given.letters == "all")
        report(cases, search, reader, given.show)
        completed(shop, chance, given.prefixes)
        untouched(shop.store, chance, given.names, reader)


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--items", required=True, metavar="FILE", help="the catalogue")
    parser.add_argument("--map", dest="rename", action="append", default=[], metavar="FIELD=COLUMN")
    parser.add_argument("--scale", action="append", default=[], metavar="FIELD=FACTOR")
    parser.add_argument("--model", metavar="NAME_OR_PATH", help="the base model (default: all-MiniLM-L6-v2)")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where the shop is kept")
    parser.add_argument("--through", choices=["shop", "terms"], default="shop", help="Shop.search, or its terms alone")
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--names", type=int, default=200, help="model numbers, and as many brands at most")
    parser.add_argument("--prefixes", type=int, default=2_000, help="beginnings of titles to complete")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shortest", type=int, default=3, metavar="N", help="letters of the shortest word typed")
    parser.add_argument("--letters", choices=["words", "all"], default="words", help="edit words, or model numbers too")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N of the products lost to an error")
    return parser


def through(shop: Shop) -> Search:
    return lambda query: [hit.id for hit in shop.search(query, limit=_K, log=False).hits]


class Reader:
    """The lexical side alone: understand the query, add up the BM25 of its terms."""

    def __init__(self, store: Store) -> None:
        self._lexical = PostingsCache(store).current()
        self._vocabulary = build_vocabulary(store.item_texts.stream())
        titles = store.items.titles()
        self._ids = np.array(["", *(id for id, _ in titles)], dtype=object)  # by pk, as nothing was deleted

    def read(self, query: str) -> Query:
        return understand(query, self._vocabulary, self._lexical.count, fresh=True)

    def search(self, query: str) -> list[str]:
        terms = self.read(query).terms
        found = self._lexical.match([term.match for term in terms], len(self._ids)).bm25
        best = np.argsort(-found, kind="stable")[:_K]
        return list(self._ids[best[found[best] > 0]])


def typed(
    store: Store, chance: random.Random, count: int, shortest: int, all_letters: bool
) -> list[tuple[str, str, str]]:
    """(product, typed right, typed wrong)"""
    cases: list[tuple[str, str, str]] = []
    titles = store.items.titles()
    while len(cases) < count:
        id, title = chance.choice(titles)
        held = [word for word in _WORD.findall(title) if len(word) >= shortest]
        most = min(4, len(held))
        if most < 2:
            continue
        places = sorted(chance.sample(range(len(held)), chance.randint(2, most)))
        words = [held[place] for place in places]
        if any(editable(word, all_letters) for word in words):
            cases.append((id, " ".join(words), " ".join(mistyped(words, chance, all_letters))))
    return cases


def editable(word: str, all_letters: bool) -> list[int]:
    """The places of the letters that may be mistyped; those of a word with digits only on demand."""
    if not all_letters and any(letter.isdigit() for letter in word):
        return []
    return [place for place, letter in enumerate(word) if letter.isalpha()]


def mistyped(words: Sequence[str], chance: random.Random, all_letters: bool) -> list[str]:
    """The words with one edit for every 5 of their letters, one at least, anywhere among them."""
    given = list(words)
    letters = sum(len(editable(word, all_letters)) for word in given)
    for _ in range(max(1, letters // _LETTERS_AN_EDIT)):
        places = [(number, place) for number, word in enumerate(given) for place in editable(word, all_letters)]
        if places:
            number, place = chance.choice(places)
            given[number] = edited(given[number], place, chance)
    return [word for word in given if word]


def edited(word: str, place: int, chance: random.Random) -> str:
    before, letter, after = word[:place], word[place], word[place + 1 :]
    other = chance.choice(string.ascii_lowercase.replace(letter.lower(), ""))
    kind = chance.choice(["insert", "delete", "replace", "transpose"])
    if kind == "transpose" and after[:1].isalpha() and after[0] != letter:
        return before + after[0] + letter + after[1:]
    if kind == "insert":
        return before + other + letter + after
    return before + (other if kind == "replace" or kind == "transpose" else "") + after


def report(cases: list[tuple[str, str, str]], search: Search, reader: Reader, show: int) -> None:
    seconds = []
    right = wrong = both = 0
    lost = []
    for id, clean, typo in cases:
        started = time.perf_counter()
        hit = id in search(typo)
        seconds.append(time.perf_counter() - started)
        found = id in search(clean)
        right, wrong, both = right + found, wrong + hit, both + (found and hit)
        if found and not hit:
            lost.append((clean, typo))
    print(f"{len(cases)} queries: recall@{_K} typed right {right / len(cases):.3f}, wrong {wrong / len(cases):.3f}")
    print(f"typed wrong / typed right: {wrong / right:.3f} ({both / right:.3f} of those found when typed right)")
    for clean, typo in lost[:show]:
        print(f"  lost: {clean!r} typed {typo!r} read {reader.read(typo).text!r}")
    print(f"typed wrong: p50 {np.median(seconds) * 1000:.1f} ms, p99 {np.quantile(seconds, 0.99) * 1000:.1f} ms")


def completed(shop: Shop, chance: random.Random, count: int) -> None:
    """Print how long `Shop.suggest` takes for what is typed so far, half of it mistyped, and what it finds."""
    shop.suggest("warm up")
    titles = [title.split() for _, title in shop.store.items.titles()]
    times: list[tuple[float, float]] = []
    found = 0
    while len(times) < count:
        held = chance.choice(titles)
        start = chance.randrange(len(held))
        words = held[start : start + chance.randint(1, 3)]
        if len(times) % 2:
            words = mistyped(words, chance, all_letters=True)
        typed = " ".join(words)[: chance.randint(1, 30)]
        if not typed.strip():
            continue
        started = time.perf_counter(), time.thread_time()
        found += bool(shop.suggest(typed))
        times.append((time.perf_counter() - started[0], time.thread_time() - started[1]))
    p50, p99 = np.quantile(times, (0.5, 0.99), axis=0) * 1000
    print(
        f"{count:,} beginnings: {found / count:.3f} completed; p50 {p50[0]:.2f} ms, p99 {p99[0]:.2f} ms"
        f" (of the processor p50 {p50[1]:.2f} ms, p99 {p99[1]:.2f} ms)"
    )


def untouched(store: Store, chance: random.Random, most: int, reader: Reader) -> None:
    """Print which model numbers and brands are read as something else."""
    rows = list(store.item_texts.names())
    models = sorted({word for row in rows for word in _WORD.findall(row[1]) if is_model(word)})
    brands = sorted({row[2] for row in rows if row[2]})
    for kind, names in (("model numbers", models), ("brands", brands)):
        names = chance.sample(names, min(most, len(names)))
        touched = [(name, read.corrected) for name in names if (read := reader.read(name)).corrected]
        print(f"{len(names)} {kind}: {len(touched)} corrected away {touched[:10] or ''}")


def is_model(word: str) -> bool:
    return len(word) > 4 and any(letter.isdigit() for letter in word) and any(letter.isalpha() for letter in word)


if __name__ == "__main__":
    main()
