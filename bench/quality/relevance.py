"""Relevance by human ratings, without any click: nDCG@10 of the default search, of BM25 alone and of the encoder alone.

Plain: a result without a rating counts as bad. Judged only: results without a rating are passed over, for the judged
pool came from somebody's search engine.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bench.support.asking import Keywords, search_with
from shelfwise import Shop
from shelfwise.ingest.importer import ImportFiles, import_items
from shelfwise.ingest.readers import ColumnMapping
from shelfwise.search.blend import SourceSwitches
from shelfwise.trainer import init
from shelfwise.trainer.evaluation.metrics import graded_ndcg
from shelfwise.types import ITEM_FIELDS

ENCODER = SourceSwitches(words=False, memory=False, neighbours=False, popularity=False, taste=False, ranker=False)
TOP, DEEP = 10, 1_000

Ratings = dict[str, dict[str, int]]  # query → item → 0..3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=Path, required=True)
    parser.add_argument("--ratings", type=Path, required=True, help="CSV of query, docid, rating")
    parser.add_argument("--map", action="append", default=[], dest="rename")
    parser.add_argument("--scale", action="append", default=[])
    parser.add_argument("--out", type=Path, required=True, help="where the shop is made, or lies from an earlier run")
    parser.add_argument("--show", type=int, default=0, help="so many queries with their first five hits")
    given = parser.parse_args()
    ratings = read(given.ratings)
    with Shop(given.out / "shop") as shop:
        if shop.generations.current() is None:
            reading = ColumnMapping.of(ITEM_FIELDS, given.rename, given.scale)
            import_items(shop, ImportFiles([str(given.items)], reading, print))
            init(shop.path)
        ways: dict[str, Callable[[str], list[str]]] = {
            "shelfwise": lambda query: whole(shop, query, SourceSwitches()),
            "BM25 (FTS5)": lambda query: Keywords(shop).answer(query, DEEP),
            "frozen encoder": lambda query: whole(shop, query, ENCODER),
        }
        print(f"{'nDCG@10':<16} {'plain':>7} {'judged':>7}   gains 2^r-1, {len(ratings)} queries")
        for name, ask in ways.items():
            found = {query: ask(query) for query in ratings}
            plain, judged = ([ndcg(found[query], of, only) for query, of in ratings.items()] for only in (False, True))
            known = [number for number, value in enumerate(plain) if value is not None]
            print(f"{name:<16} {mean(plain):7.3f} {mean(judged):7.3f}   {len(known)} queries with a good item")
        for query in list(ratings)[: given.show]:
            print(f"\n{query}")
            for hit in shop.search(query, limit=5, log=False).hits:
                print(f"   {ratings[query].get(hit.id, '-')}  {hit.item['title'][:100]}")


def read(path: Path) -> Ratings:
    ratings: Ratings = defaultdict(dict)
    with path.open() as file:
        for row in csv.DictReader(file):
            ratings[row["query"]][row["docid"]] = int(row["rating"])
    return ratings


def whole(shop: Shop, query: str, sources: SourceSwitches) -> list[str]:
    """The first thousand hits."""
    return [id for start in range(0, DEEP, 100) for id in search_with(shop, query, sources, 100, start)]


def ndcg(found: Sequence[str], ratings: dict[str, int], judged_only: bool) -> float | None:
    """Return nDCG@10 with gains 2^rating - 1; None where no item is rated above 0."""
    ids = [id for id in found if not judged_only or id in ratings][:TOP]
    gains, available = (
        np.array([2**rating - 1 for rating in part]) for part in ([ratings.get(id, 0) for id in ids], ratings.values())
    )
    return graded_ndcg(gains, available, TOP) if available.any() else None


def mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known)


if __name__ == "__main__":
    main()
