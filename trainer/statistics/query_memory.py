"""Build the query memory of a generation: earlier queries and what was chosen, with vectors by its own encoder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from shelfwise.events import decay
from shelfwise.generation.encoder import Encoder
from shelfwise.generation.query_memory import HALF_LIFE_DAYS, QueryMemory
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.interactions import QueryClick

__all__ = ["build_query_memory", "with_vectors"]


def build_query_memory(searches: Iterable[QueryClick], items: Sequence[str], now: float) -> QueryMemory:
    """Return the memory of the searches with an item in `items`, as of `now` (epoch seconds), without vectors."""
    rows = {id: row for row, id in enumerate(items)}
    return QueryMemory.build(
        items,
        (
            (search.query, rows[search.item], search.weight * decay((now - search.ts) / DAY, HALF_LIFE_DAYS))
            for search in searches
            if search.item in rows
        ),
    )


def with_vectors(memory: QueryMemory, encoder: Encoder) -> QueryMemory:
    """Return a copy of the memory with the vector of each query."""
    if not memory.texts:
        return replace(memory, vectors=np.zeros((0, encoder.dim), np.float32))
    return replace(memory, vectors=encoder.queries(memory.texts))
