"""Speed and relevance of one process with one thread, side by side: the whole search, its floor, and what a shop might
install instead (txtai's hybrid index; sentence-transformers and FAISS in a plain script) on the same data.

The floor is what any such search has to do: the encoder's forward pass, one FTS5 query, one FAISS search. The others
have the same model and the same texts. txtai is measured where it is installed (pip install txtai).
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.quality.relevance import mean, ndcg, read
from shelfwise import Shop

K = 10
ROUNDS = 5
Ask = Callable[[str], list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ratings", type=Path, required=True, help="CSV of query, docid, rating")
    parser.add_argument("--out", type=Path, required=True, help="where relevance.py made its shop")
    parser.add_argument("--by-query", action="store_true", help="the ways take turns after each query, not each round")
    given = parser.parse_args()
    ratings = read(given.ratings)
    with Shop(given.out / "shop") as shop:
        ways: dict[str, Ask] = {"shelfwise, whole": lambda q: [hit.id for hit in shop.search(q, log=False).hits]}
        ways |= floor(shop) | plain_script(shop) | txtai(shop)
        measured = measure(ways, list(ratings), given.by_query)
        base = measured["floor"]
        print(f"{'':<34}{'p50 ms':>8} {'p99 ms':>8} {'of floor':>9}  nDCG@10")
        for name, times in measured.items():
            relevance = ""
            if not name.startswith((" ", "floor")):
                values = [ndcg(ways[name](query), of, False) for query, of in ratings.items()]
                relevance = f"{mean(values):.3f}"
            p50, p99 = statistics.median(times), float(np.quantile(times, 0.99))
            print(f"{name:<34}{p50:8.2f} {p99:8.2f} {p50 / statistics.median(base):9.2f}  {relevance}")


def measure(ways: dict[str, Ask], queries: list[str], by_query: bool) -> dict[str, list[float]]:
    """Milliseconds of each question; the ways take turns, so that a busy machine is busy for all of them.

    By rounds each way answers all queries in a row and has the processor's caches to itself, as in a process of its
    own; with `by_query` every answer begins with the caches full of the others' models.
    """
    times: dict[str, list[float]] = {name: [] for name in ways}
    turns = [(name, query) for name in ways for query in queries]
    if by_query:
        turns = [(name, query) for query in queries for name in ways]
    for round_ in range(ROUNDS + 1):
        for name, query in turns:
            started = time.perf_counter()
            ways[name](query)
            if round_:  # the first one warms up
                times[name].append((time.perf_counter() - started) * 1000)
    stages = [times[name] for name in ways if name.startswith("  floor")]
    return times | {"floor": [sum(parts) for parts in zip(*stages, strict=True)]}


def floor(shop: Shop) -> dict[str, Ask]:
    serving = shop.generation
    vectors = {}

    def forward(query: str) -> list[str]:
        vectors[query] = serving.encoder.query(query)
        return []

    def words(query: str) -> list[str]:
        match = " OR ".join(f'"{word}"' for word in query.split())
        shop.store._connections.rows(
            "SELECT rowid, bm25(items_fts) AS score FROM items_fts WHERE items_fts MATCH ? ORDER BY score LIMIT 200",
            (match,),
        )
        return []

    def near(query: str) -> list[str]:
        serving.index._main.search(vectors[query][None], 200)
        return []

    return {"  floor: forward pass": forward, "  floor: FTS5": words, "  floor: FAISS": near}


def texts(shop: Shop) -> dict[str, str]:
    return {item.id: item.text for item in shop.store.items.texts() if not item.deleted}


def plain_script(shop: Shop) -> dict[str, Ask]:
    """What a tutorial builds: sentence-transformers' encode and a flat FAISS index."""
    import faiss
    import torch

    from shelfwise.trainer.encoder.base_model import load_model

    torch.set_num_threads(1)
    serving = shop.generation
    given = texts(shop)
    ids = list(given)
    known, vectors = serving.index.vectors(ids)  # the same model's: encoding again would only cost time
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    model = load_model(None)

    def ask(query: str) -> list[str]:
        vector = model.encode([query], normalize_embeddings=True, show_progress_bar=False)
        return [known[row] for row in index.search(np.asarray(vector, np.float32), K)[1][0].tolist()]

    return {"sentence-transformers + FAISS": ask}


def txtai(shop: Shop) -> dict[str, Ask]:
    try:
        from txtai import Embeddings
    except ImportError as missing:
        print(f"without txtai: {missing}")
        return {}
    from shelfwise.trainer.encoder.base_model import DEFAULT_MODEL, load_model

    folder = shop.path / "model-for-txtai"
    if not folder.exists():
        load_model(DEFAULT_MODEL).save(str(folder), create_model_card=False)
    given = texts(shop)
    embeddings = Embeddings(path=str(folder), hybrid=True, method="sentence-transformers", gpu=False)
    embeddings.index([(id, text, None) for id, text in given.items()])
    return {"txtai, hybrid": lambda query: [str(id) for id, _ in embeddings.search(query, K)]}


if __name__ == "__main__":
    main()
