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

import numpy as np

from bench.support.options import add_catalogue, add_out, import_catalogue, new_parser
from bench.support.timing import print_percentiles, timed
from shelfwise import Shop
from shelfwise.catalogue.postings import PostingsCache
from shelfwise.query.understanding import Query, understand
from shelfwise.query.vocabulary import build_vocabulary
from shelfwise.store import Store
from shelfwise.trainer import init

Search = Callable[[str], list[str]]  # the ids of the first hits for a query
Case = tuple[str, str, str]  # product, typed right, typed wrong

_K = 10
_LETTERS_AN_EDIT = 5
_WORD = re.compile(r"[^\W_](?:\S*[^\W_])?")


def main() -> None:
    options = parse_options()
    folder = options.out / "shops" / "typos"
    with Shop(folder) as shop:
        import_catalogue(shop, options)
    if options.through == "shop":
        init(folder, options.model)
    with Shop(folder) as shop:
        engine = LexicalEngine(shop)
        search = engine.search if options.through == "terms" else through(shop)
        rng = random.Random(options.seed)
        cases = make_cases(shop.store, rng, options.queries, options.shortest, options.letters == "all")
        measure_recall(cases, search, engine, options.show)
        measure_suggest(shop, rng, options.prefixes)
        print_corrected_names(shop.store, rng, options.names, engine)


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = new_parser(__doc__)
    add_catalogue(parser)
    add_out(parser, "where the shop is kept")
    parser.add_argument("--through", choices=["shop", "terms"], default="shop", help="Shop.search, or its terms alone")
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--names", type=int, default=200, help="model numbers, and as many brands at most")
    parser.add_argument("--prefixes", type=int, default=2_000, help="beginnings of titles to complete")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shortest", type=int, default=3, metavar="N", help="letters of the shortest word typed")
    parser.add_argument("--letters", choices=["words", "all"], default="words", help="edit words, or model numbers too")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N of the products lost to an error")
    return parser.parse_args()


def through(shop: Shop) -> Search:
    """Return Shop.search as a function from a query to ids."""
    return lambda query: [hit.id for hit in shop.search(query, limit=_K, log=False).hits]


class LexicalEngine:
    """The lexical side alone: understand the query, add up the BM25 of its terms."""

    def __init__(self, shop: Shop) -> None:
        self._postings, self._ids = PostingsCache(shop.store).current(), shop.catalogue.current().ids
        self._vocabulary = build_vocabulary(shop.store.item_texts.stream())

    def understand(self, query: str) -> Query:
        """Return the query as it is read, with its spelling corrected."""
        return understand(query, self._vocabulary, self._postings.count, fresh=True)

    def search(self, query: str) -> list[str]:
        """Return the ids of the first hits."""
        terms = self.understand(query).terms
        scores = self._postings.match([term.match for term in terms], len(self._ids)).bm25
        best = np.argsort(-scores, kind="stable")[:_K]
        return [self._ids[row] or "" for row in best[scores[best] > 0].tolist()]


def make_cases(store: Store, rng: random.Random, count: int, min_letters: int, all_letters: bool) -> list[Case]:
    """Draw cases from the titles.

    Args:
        store: The shop's.
        rng: Draws the titles, their words and the errors.
        count: The number of cases.
        min_letters: The letters of the shortest word that is typed.
        all_letters: Whether words with digits may be mistyped, too.
    """
    cases: list[Case] = []
    titles = store.items.titles()
    while len(cases) < count:
        id, title = rng.choice(titles)
        title_words = [word for word in _WORD.findall(title) if len(word) >= min_letters]
        max_words = min(4, len(title_words))
        if max_words < 2:
            continue
        positions = sorted(rng.sample(range(len(title_words)), rng.randint(2, max_words)))
        words = [title_words[position] for position in positions]
        if any(editable(word, all_letters) for word in words):
            cases.append((id, " ".join(words), " ".join(mistyped(words, rng, all_letters))))
    return cases


def editable(word: str, all_letters: bool) -> list[int]:
    """Return the positions of the letters that may be mistyped; those of a word with digits only on demand."""
    if not all_letters and any(letter.isdigit() for letter in word):
        return []
    return [position for position, letter in enumerate(word) if letter.isalpha()]


def mistyped(words: Sequence[str], rng: random.Random, all_letters: bool) -> list[str]:
    """Return the words with one edit for every 5 of their letters, one at least, anywhere among them."""
    edited = list(words)
    letters = sum(len(editable(word, all_letters)) for word in edited)
    for _ in range(max(1, letters // _LETTERS_AN_EDIT)):
        positions = [(number, at) for number, word in enumerate(edited) for at in editable(word, all_letters)]
        if positions:
            number, at = rng.choice(positions)
            edited[number] = edit(edited[number], at, rng)
    return [word for word in edited if word]


def edit(word: str, position: int, rng: random.Random) -> str:
    """Return the word with one random edit at the position."""
    before, letter, after = word[:position], word[position], word[position + 1 :]
    other = rng.choice(string.ascii_lowercase.replace(letter.lower(), ""))
    kind = rng.choice(["insert", "delete", "replace", "transpose"])
    if kind == "transpose" and after[:1].isalpha() and after[0] != letter:
        return before + after[0] + letter + after[1:]
    if kind == "insert":
        return before + other + letter + after
    return before + (other if kind == "replace" or kind == "transpose" else "") + after


def measure_recall(cases: list[Case], search: Search, engine: LexicalEngine, show: int) -> None:
    """Print the recall of both spellings, some of the products lost, and how long the mistyped ones take."""
    times = []
    right = wrong = both = 0
    lost = []
    for id, clean, typo in cases:
        took, hits = timed(lambda typo=typo: search(typo))  # type: ignore[misc]
        times.append(took)
        right_hit, wrong_hit = id in search(clean), id in hits
        right, wrong, both = right + right_hit, wrong + wrong_hit, both + (right_hit and wrong_hit)
        if right_hit and not wrong_hit:
            lost.append((clean, typo))
    print(f"{len(cases)} queries: recall@{_K} typed right {right / len(cases):.3f}, wrong {wrong / len(cases):.3f}")
    print(f"typed wrong / typed right: {wrong / right:.3f} ({both / right:.3f} of those found when typed right)")
    for clean, typo in lost[:show]:
        print(f"  lost: {clean!r} typed {typo!r} read {engine.understand(typo).text!r}")
    print_percentiles("typed wrong", times, 12)


def measure_suggest(shop: Shop, rng: random.Random, count: int) -> None:
    """Print how long `Shop.suggest` takes for what is typed so far, half of it mistyped, and what it finds."""
    shop.suggest("warm up")
    titles = [title.split() for _, title in shop.store.items.titles()]
    times: list[tuple[float, float]] = []
    completed = 0
    while len(times) < count:
        title = rng.choice(titles)
        start = rng.randrange(len(title))
        words = title[start : start + rng.randint(1, 3)]
        if len(times) % 2:
            words = mistyped(words, rng, all_letters=True)
        typed = " ".join(words)[: rng.randint(1, 30)]
        if not typed.strip():
            continue
        started = time.perf_counter(), time.thread_time()
        completed += bool(shop.suggest(typed))
        times.append((time.perf_counter() - started[0], time.thread_time() - started[1]))
    p50, p99 = np.quantile(times, (0.5, 0.99), axis=0) * 1000
    print(
        f"{count:,} beginnings: {completed / count:.3f} completed; p50 {p50[0]:.2f} ms, p99 {p99[0]:.2f} ms"
        f" (of the processor p50 {p50[1]:.2f} ms, p99 {p99[1]:.2f} ms)"
    )


def print_corrected_names(store: Store, rng: random.Random, max_names: int, engine: LexicalEngine) -> None:
    """Print which model numbers and brands are read as something else."""
    rows = list(store.item_texts.names())
    models = sorted({word for row in rows for word in _WORD.findall(row[1]) if is_model(word)})
    brands = sorted({row[2] for row in rows if row[2]})
    for kind, names in (("model numbers", models), ("brands", brands)):
        names = rng.sample(names, min(max_names, len(names)))
        corrected = [(name, read.corrected) for name in names if (read := engine.understand(name)).corrected]
        print(f"{len(names)} {kind}: {len(corrected)} corrected away {corrected[:10] or ''}")


def is_model(word: str) -> bool:
    """Return whether the word looks like a model number."""
    return len(word) > 4 and any(letter.isdigit() for letter in word) and any(letter.isalpha() for letter in word)


if __name__ == "__main__":
    main()
