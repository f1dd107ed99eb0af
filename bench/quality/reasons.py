"""Are the reasons true? The cited evidence of a hit is taken away, and beside it other evidence at random.

Taken away means that the source says of this item what it says of the query's average candidate. If the reason is true,
the item falls further without it than without something else.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np

from shelfwise import Shop
from shelfwise.search.explain import source_contributions
from shelfwise.search.features import NAMES, SOURCES
from shelfwise.search.request import SearchRequest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a shop that has learned from searches")
    parser.add_argument("--queries", type=int, default=100, help="so many of its most followed queries")
    parser.add_argument("--hits", type=int, default=5, help="of each query")
    given = parser.parse_args()
    chance = random.Random(1)
    falls: list[tuple[float, float, int, int]] = []
    with Shop(given.data) as shop:
        serving = shop.generation
        for query, _ in serving.memory.weighted_queries()[: given.queries]:
            asked = SearchRequest(query, limit=given.hits, diversity=0.0)
            found = shop.search_pipeline.run(asked, serving)
            assert found.trace is not None
            features, candidates = found.trace.features, found.trace.candidates.tolist()
            adds = source_contributions(features, serving.ranker)
            for id in found.ids:
                number = candidates.index(found.columns.row_of[id])
                cited = max(adds, key=lambda source: adds[source][number])
                others = [one for one in adds if one not in (cited, "query")]
                without = [fall(features, number, one, serving.ranker) for one in (cited, chance.choice(others))]
                falls.append((without[0][0], without[1][0], without[0][1], without[1][1]))
    table = np.array(falls)
    print(f"{len(table)} hits of {given.queries} queries, ranker: {serving.ranker.kind}")
    print(f"score lost: cited {table[:, 0].mean():.3f}, random other {table[:, 1].mean():.3f}")
    print(f"places lost: cited {table[:, 2].mean():.1f}, random other {table[:, 3].mean():.1f}")
    better, equal = (table[:, 0] > table[:, 1]).mean(), (table[:, 0] == table[:, 1]).mean()
    print(f"cited loses more score in {better:.1%} of the hits, as much in {equal:.1%}")


def fall(features: np.ndarray, number: int, source: str, ranker: object) -> tuple[float, int]:
    """The score and the places that a candidate loses without the evidence of a source."""
    columns = [column for column, name in enumerate(NAMES) if SOURCES[name] == source]
    without = features.copy()
    without[number, columns] = features[:, columns].mean(axis=0)
    before, after = ranker.scores(features), ranker.scores(without)  # type: ignore[attr-defined]
    places = int((after > after[number]).sum()) - int((before > before[number]).sum())
    return float(before[number] - after[number]), places


if __name__ == "__main__":
    main()
