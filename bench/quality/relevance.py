"""Relevance by human ratings, without any click: nDCG@10 of the default search, of BM25 alone and of the encoder alone.

Plain: a result without a rating counts as bad. Judged only: results without a rating are passed over, for the judged
pool came from another search engine.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.support.ablations import ENCODER_ONLY, KeywordEngine, search_with
from bench.support.options import add_catalogue, add_out, import_catalogue, new_parser
from shelfwise import Shop
from shelfwise.search.blend import ALL, SourceSwitches
from shelfwise.trainer import init
from shelfwise.trainer.evaluation.metrics import TOP, graded_ndcg

DEEP, PAGE = 1_000, 100

Ratings = dict[str, dict[str, int]]  # query → item → 0..3


def main() -> None:
    parser = new_parser(__doc__)
    add_catalogue(parser)
    parser.add_argument("--ratings", type=Path, required=True, help="CSV of query, docid, rating")
    add_out(parser, "where the shop is made, or lies from an earlier run")
    parser.add_argument("--show", type=int, default=0, help="so many queries with their first five hits")
    options = parser.parse_args()
    ratings = read_ratings(options.ratings)
    with Shop(options.out / "shop") as shop:
        if shop.generations.current() is None:
            import_catalogue(shop, options)
            init(shop.path, options.model)
        engine = KeywordEngine(shop)
        methods: dict[str, Callable[[str], list[str]]] = {
            "shelfwise": lambda query: search_deep(shop, query, ALL),
            "BM25 (FTS5)": lambda query: engine.search(query, DEEP),
            "frozen encoder": lambda query: search_deep(shop, query, ENCODER_ONLY),
        }
        print(f"{f'nDCG@{TOP}':<16} {'plain':>7} {'judged':>7}   gains 2^r-1, {len(ratings)} queries")
        for name, search in methods.items():
            hits = {query: search(query) for query in ratings}
            plain, judged = (ndcg_by_query(hits, ratings, judged_only) for judged_only in (False, True))
            print(f"{name:<16} {np.mean(plain):7.3f} {np.mean(judged):7.3f}   {len(plain)} queries with a good item")
        for query in list(ratings)[: options.show]:
            print(f"\n{query}")
            for hit in shop.search(query, limit=5, log=False).hits:
                print(f"   {ratings[query].get(hit.id, '-')}  {hit.item['title'][:100]}")


def read_ratings(path: Path) -> Ratings:
    """Read a CSV of query, docid, rating."""
    ratings: Ratings = defaultdict(dict)
    with path.open() as file:
        for row in csv.DictReader(file):
            ratings[row["query"]][row["docid"]] = int(row["rating"])
    return ratings


def search_deep(shop: Shop, query: str, sources: SourceSwitches) -> list[str]:
    """Return the ids of the first thousand hits."""
    return [id for start in range(0, DEEP, PAGE) for id in search_with(shop, query, sources, PAGE, start)]


def ndcg_by_query(hits: dict[str, list[str]], ratings: Ratings, judged_only: bool) -> list[float]:
    """Return nDCG@10 with gains 2^rating - 1 of each query with an item rated above 0."""
    values = []
    for query, rated in ratings.items():
        if any(rated.values()):
            ids = [id for id in hits[query] if not judged_only or id in rated][:TOP]
            gains, available = [rated.get(id, 0) for id in ids], list(rated.values())
            values.append(graded_ndcg(2.0 ** np.array(gains) - 1, 2.0 ** np.array(available) - 1))
    return values


if __name__ == "__main__":
    main()
