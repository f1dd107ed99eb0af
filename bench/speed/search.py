"""Speed and relevance of one process with one thread, side by side: the whole search, its floor, and what a shop might
install instead (txtai's hybrid index; sentence-transformers and FAISS in a plain script) on the same data.

The floor is what any such search has to do: the encoder's forward pass, one FTS5 query, one FAISS search. The others
have the same model and the same texts. txtai is measured where it is installed (pip install txtai).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pysqlite3.dbapi2 as sqlite

from bench.quality.relevance import ndcg_by_query, read_ratings
from bench.support.options import add_out, new_parser
from bench.support.timing import timed
from shelfwise import Shop

K = 10
CANDIDATES = 200
ROUNDS = 5
Search = Callable[[str], list[str]]


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument("--ratings", type=Path, required=True, help="CSV of query, docid, rating")
    add_out(parser, "where relevance.py made its shop")
    parser.add_argument("--by-query", action="store_true", help="methods take turns after each query, not each round")
    options = parser.parse_args()
    ratings = read_ratings(options.ratings)
    with Shop(options.out / "shop") as shop:
        texts = {item.id: item.text for item in shop.store.items.texts() if not item.deleted}
        ids, vectors = shop.generation.index.vectors(texts)  # the same model's: encoding again would only cost time
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        methods: dict[str, Search] = {"shelfwise, whole": lambda q: [hit.id for hit in shop.search(q, log=False).hits]}
        methods |= floor(shop, index) | plain_script(ids, index) | txtai(shop, texts)
        times = measure(methods, list(ratings), options.by_query)
        base = float(np.median(times["floor"]))
        print(f"{'':<34}{'p50 ms':>8} {'p99 ms':>8} {'of floor':>9}  nDCG@10")
        for name, taken in times.items():
            relevance = ""
            if not name.startswith((" ", "floor")):
                hits = {query: methods[name](query) for query in ratings}
                relevance = f"{np.mean(ndcg_by_query(hits, ratings, judged_only=False)):.3f}"
            p50, p99 = np.quantile(taken, (0.5, 0.99))
            print(f"{name:<34}{p50:8.2f} {p99:8.2f} {p50 / base:9.2f}  {relevance}")


def measure(methods: dict[str, Search], queries: list[str], by_query: bool) -> dict[str, list[float]]:
    """Return the milliseconds of each answer; the methods take turns, so that a busy machine is busy for all of them.

    By rounds each method answers all queries in a row and has the processor's caches to itself, as in a process of its
    own; with `by_query` every answer begins with the caches full of the others' models.
    """
    times: dict[str, list[float]] = {name: [] for name in methods}
    turns = [(name, query) for name in methods for query in queries]
    if by_query:
        turns = [(name, query) for query in queries for name in methods]
    for round_ in range(ROUNDS + 1):
        for name, query in turns:
            milliseconds, _ = timed(partial(methods[name], query))
            if round_:  # the first one warms up
                times[name].append(milliseconds)
    stages = [times[name] for name in methods if name.startswith("  floor")]
    return times | {"floor": [sum(parts) for parts in zip(*stages, strict=True)]}


def floor(shop: Shop, index: Any) -> dict[str, Search]:
    """Return the three steps of any such search, each alone."""
    encoder, database = shop.generation.encoder, sqlite.connect(str(shop.store.path))
    vectors: dict[str, np.ndarray] = {}

    def forward(query: str) -> list[str]:
        vectors[query] = encoder.query(query)
        return []

    def full_text(query: str) -> list[str]:
        match = " OR ".join(f'"{word}"' for word in query.split())
        database.execute(
            "SELECT rowid, bm25(items_fts) AS score FROM items_fts WHERE items_fts MATCH ? ORDER BY score LIMIT ?",
            (match, CANDIDATES),
        ).fetchall()
        return []

    def nearest(query: str) -> list[str]:
        index.search(vectors[query][None], CANDIDATES)
        return []

    return {"  floor: forward pass": forward, "  floor: FTS5": full_text, "  floor: FAISS": nearest}


def plain_script(ids: list[str], index: Any) -> dict[str, Search]:
    """Return what a tutorial builds: sentence-transformers' encode and a flat FAISS index."""
    import torch

    from shelfwise.trainer.encoder.base_model import load_model

    torch.set_num_threads(1)
    model = load_model(None)

    def search(query: str) -> list[str]:
        vector = model.encode([query], normalize_embeddings=True, show_progress_bar=False)
        return [ids[row] for row in index.search(np.asarray(vector, np.float32), K)[1][0].tolist()]

    return {"sentence-transformers + FAISS": search}


def txtai(shop: Shop, texts: dict[str, str]) -> dict[str, Search]:
    """Return txtai's hybrid search of the texts, or nothing where it is not installed."""
    try:
        from txtai import Embeddings
    except ImportError as missing:
        print(f"without txtai: {missing}")
        return {}
    from shelfwise.trainer.encoder.base_model import DEFAULT_MODEL, load_model

    folder = shop.path / "model-for-txtai"
    if not folder.exists():
        load_model(DEFAULT_MODEL).save(str(folder), create_model_card=False)
    embeddings = Embeddings(path=str(folder), hybrid=True, method="sentence-transformers", gpu=False)
    embeddings.index([(id, text, None) for id, text in texts.items()])
    return {"txtai, hybrid": lambda query: [str(id) for id, _ in embeddings.search(query, K)]}


if __name__ == "__main__":
    main()
