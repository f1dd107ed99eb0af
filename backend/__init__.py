"""shelfwise: search and recommendations that a web shop can embed, and that learn overnight."""

from __future__ import annotations

from shelfwise.faiss_install import require_one_faiss

require_one_faiss()

from shelfwise.errors import (  # noqa: E402  (first FAISS: its absence needs an error of its own)
    EncoderUnsupported,
    GenerationError,
    InvalidInput,
    NightBusy,
    NotFound,
    ShelfwiseError,
)
from shelfwise.shop import Shop  # noqa: E402
from shelfwise.types import Answer, Hit, Recommendations, SearchResult  # noqa: E402

__all__ = [
    "Answer",
    "EncoderUnsupported",
    "GenerationError",
    "Hit",
    "InvalidInput",
    "NightBusy",
    "NotFound",
    "Recommendations",
    "SearchResult",
    "ShelfwiseError",
    "Shop",
]
