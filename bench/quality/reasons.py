"""Are the reasons true? The cited evidence of a hit is taken away, and beside it other evidence at random.

Taken away means that the source says of this item what it says of the query's average candidate. If the reason is true,
the item falls further without it than without something else.
"""

from __future__ import annotations

import random

import numpy as np

from bench.support.options import add_data, new_parser
from shelfwise import Shop
from shelfwise.search.explain import source_contributions
from shelfwise.search.features import NAMES, SOURCES
from shelfwise.search.ranker import Ranker
from shelfwise.search.request import SearchRequest

Loss = tuple[float, int]  # score, and ranks


def main() -> None:
    parser = new_parser(__doc__)
    add_data(parser, "a shop that has learned from searches")
    parser.add_argument("--queries", type=int, default=100, help="so many of its most followed queries")
    parser.add_argument("--hits", type=int, default=5, help="of each query")
    options = parser.parse_args()
    rng = random.Random(1)
    losses: list[tuple[Loss, Loss]] = []
    with Shop(options.data) as shop:
        kind = shop.generation.ranker.kind
        for query, _ in shop.generation.memory.weighted_queries()[: options.queries]:
            losses += delete_evidence(shop, query, options.hits, rng)
    if not losses:
        raise SystemExit(f"{options.data}: expected a shop with remembered queries, got none")
    table = np.array(losses)  # (n, cited or other, score or ranks)
    cited, other = table[:, 0], table[:, 1]
    print(f"{len(table)} hits of {options.queries} queries, ranker: {kind}")
    print(f"score lost: cited {cited[:, 0].mean():.3f}, random other {other[:, 0].mean():.3f}")
    print(f"ranks lost: cited {cited[:, 1].mean():.1f}, random other {other[:, 1].mean():.1f}")
    better, equal = (cited[:, 0] > other[:, 0]).mean(), (cited[:, 0] == other[:, 0]).mean()
    print(f"cited loses more score in {better:.1%} of the hits, as much in {equal:.1%}")


def delete_evidence(shop: Shop, query: str, hits: int, rng: random.Random) -> list[tuple[Loss, Loss]]:
    """Return what each hit loses without its strongest source, and without another one."""
    generation = shop.generation
    outcome = shop.search_pipeline.run(SearchRequest(query, limit=hits, diversity=0.0), generation)
    if outcome.trace is None:
        return []
    features, candidates = outcome.trace.features, outcome.trace.candidates.tolist()
    contributions = source_contributions(features, generation.ranker)
    losses = []
    for id in outcome.ids:
        position = candidates.index(outcome.columns.row_of[id])
        cited = max(contributions, key=lambda source: contributions[source][position])
        other = rng.choice([source for source in contributions if source not in (cited, "query")])
        lost = [loss_without(features, position, source, generation.ranker) for source in (cited, other)]
        losses.append((lost[0], lost[1]))
    return losses


def loss_without(features: np.ndarray, position: int, source: str, ranker: Ranker) -> Loss:
    """Return the score and the ranks that a candidate loses without the evidence of a source."""
    columns = [column for column, name in enumerate(NAMES) if SOURCES[name] == source]
    without = features.copy()
    without[position, columns] = features[:, columns].mean(axis=0)
    before, after = ranker.scores(features), ranker.scores(without)
    ranks = int((after > after[position]).sum()) - int((before > before[position]).sum())
    return float(before[position] - after[position]), ranks


if __name__ == "__main__":
    main()
