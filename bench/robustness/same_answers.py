"""Ask a shop 500 searches and 300 shelves, and compare the answers with those of an earlier version of the code.

    python -m bench.robustness.same_answers --data SHOP --out before.json      (with the code of before)
    python -m bench.robustness.same_answers --data SHOP --out after.json --compare before.json

Only the façade is used and no other file of bench, so that the same script runs on both. The searches are the shop's
own queries (or words of its titles), some mistyped, filtered, sorted, paged or by known shoppers; the shelves are of
all kinds. Every answer is explained. Ids, totals, facets, corrections and reasons must be equal, scores within 1e-9.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shelfwise import Shop

SEED, SEARCHES, SHELVES, TOLERANCE = 12, 500, 300, 1e-9
KINDS = ("for-you", "similar", "together", "again", "next", "trending", "popular", "new")
FILTERS = (None, None, None, "in_stock:true", "price:..20", "price:5..", "NOT price:..3", "category:a OR price:1..50")
SORTS = ("relevance",) * 6 + ("price", "-price", "popular", "newest")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the shop's folder")
    parser.add_argument("--out", type=Path, required=True, help="where the answers are written")
    parser.add_argument("--compare", type=Path, help="answers of another version of the code")
    options = parser.parse_args()
    with Shop(options.data) as shop:
        rows = shop.store.events.between(-math.inf, math.inf)
    last = datetime.fromtimestamp(max(row["ts"] for row in rows) + 1, UTC)
    with Shop(options.data, clock=lambda: last) as shop:
        started = time.perf_counter()
        answers = [json.loads(json.dumps(answer)) for answer in ask_all(shop, rows)]
        print(f"{len(answers)} answers in {time.perf_counter() - started:.1f} s")
    options.out.write_text(json.dumps(answers))
    if options.compare:
        compare(json.loads(options.compare.read_text()), answers)


def ask_all(shop: Shop, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the requests with their answers; `rows` are all events of the shop."""
    rng = random.Random(SEED)
    titles = dict(shop.store.items.titles())
    ids = sorted(titles)
    users = [user for user, _ in Counter(row["user"] for row in rows if row["user"]).most_common(400)]
    queries = sorted({row["query"] for row in rows if row["query"]}) or [
        " ".join(rng.sample(title.split(), min(2, len(title.split()))))
        for title in rng.sample(sorted(titles.values()), 400)
    ]
    for number in range(SEARCHES):
        query = rng.choice(queries)
        if number % 4 == 0:
            query = mistype(query, rng)
        arguments: dict[str, Any] = {
            "q": query, "filter": rng.choice(FILTERS), "sort": rng.choice(SORTS), "exact": rng.random() < 0.1,
            "user": rng.choice(users) if rng.random() < 0.5 else None, "offset": rng.choice([0, 0, 0, 10, 30]),
            "limit": rng.choice([5, 10, 24]), "facets": rng.choice([(), ("brand", "category", "price")]),
        }  # fmt: skip
        yield answer(shop.search, arguments)
    for number in range(SHELVES):
        kind = KINDS[number % len(KINDS)]
        items = rng.sample(ids, rng.choice([1, 1, 2])) if kind in ("similar", "together") or rng.random() < 0.2 else []
        arguments = {
            "kind": kind if rng.random() < 0.9 else None, "user": rng.choice(users) if rng.random() < 0.9 else None,
            "item": items, "filter": rng.choice(FILTERS), "repeats": rng.random() < 0.7,
            "exclude": rng.sample(ids, 2), "limit": rng.choice([5, 10, 20]), "diversity": rng.choice([0.0, 0.3, 1.0]),
        }  # fmt: skip
        yield answer(shop.recommend, arguments)


def answer(method: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call a method of the shop, and return the arguments with the answer or the error."""
    try:
        body = method(**arguments, log=False, explain=True).to_dict()
    except Exception as problem:
        return {"asked": arguments, "error": f"{type(problem).__name__}: {problem}"}
    for name in ("took_ms", "search_id", "recommendation_id"):
        body.pop(name, None)
    hits = [{"id": hit["id"], "score": hit["score"], "reasons": hit.get("reasons")} for hit in body.pop("hits")]
    return {"asked": arguments, "answer": body, "hits": hits}


def mistype(query: str, rng: random.Random) -> str:
    """Return the query with two neighbouring letters exchanged."""
    position = rng.randrange(max(1, len(query) - 1))
    return query[:position] + query[position : position + 2][::-1] + query[position + 2 :]


def compare(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    """Print how many answers are equal, and the first of those that are not."""
    differing: list[str] = []
    worst = 0.0
    for old, new in zip(before, after, strict=True):
        assert old["asked"] == new["asked"], "the two versions were asked different questions"
        hits = old.get("hits", []), new.get("hits", [])
        apart = [abs(hit["score"] - other["score"]) for hit, other in zip(*hits, strict=False)]
        worst = max([worst, *apart])
        parts = [
            name for name, equal in {
                "ids": [hit["id"] for hit in hits[0]] == [hit["id"] for hit in hits[1]],
                "scores": max(apart, default=0.0) <= TOLERANCE,
                "answer": old.get("answer") == new.get("answer"),
                "error": (old.get("error") is None) == (new.get("error") is None),
                "reasons": [hit["reasons"] for hit in hits[0]] == [hit["reasons"] for hit in hits[1]],
            }.items() if not equal
        ]  # fmt: skip
        if parts:
            differing.append(f"{', '.join(parts)}: {old['asked']}")
    print(f"{len(before) - len(differing)} of {len(before)} answers are the same; scores differ by at most {worst:.1e}")
    print("\n".join(differing[:20]))


if __name__ == "__main__":
    main()
