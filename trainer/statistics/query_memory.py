"""What a generation remembers of earlier searches, as of its night; the queries' vectors are by its own encoder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from shelfwise.generation.encoder import Encoder
from shelfwise.generation.popularity import decay
from shelfwise.generation.query_memory import HALF_LIFE_DAYS, Memory
from shelfwise.trainer.data.interactions import Search
from shelfwise.trainer.data.split import Material

__all__ = ["learned_searches", "remember", "with_vectors"]


def learned_searches(material: Material) -> list[Search]:
    """All searches but the anchor's, oldest first: what was held out is judged tonight, but it may be remembered."""
    parts = material.old_searches, material.new_searches, material.held_searches, material.dev_searches
    return sorted((search for part in parts for search in part), key=lambda search: search.ts)


def remember(searches: Iterable[Search], items: Sequence[str], now: float) -> Memory:
    """The memory of these searches as of `now` (epoch seconds), without vectors; of choices among the ids `items`."""
    rows = {id: row for row, id in enumerate(items)}
    return Memory.of(
        items,
        (
            (search.query, rows[search.item], search.weight * decay(now - search.ts, HALF_LIFE_DAYS))
            for search in searches
            if search.item in rows
        ),
    )


def with_vectors(memory: Memory, encoder: Encoder) -> Memory:
    """The same with the vector of each query."""
    if not memory.texts:
        return replace(memory, vectors=np.zeros((0, encoder.dim), np.float32))
    return replace(memory, vectors=encoder.queries(memory.texts))
