"""Find the nearest vectors to a vector, by id: one interface over a few kinds of FAISS index.

Vectors and ids live here, nothing else: no SQL, no text, no HTTP, and no import from the other rooms.
"""

from __future__ import annotations

from shelfwise.index.base import VectorIndex
from shelfwise.index.build import build, load
from shelfwise.index.id_filter import IdFilter
from shelfwise.index.persistence import IndexCorrupt

__all__ = ["IdFilter", "IndexCorrupt", "VectorIndex", "build", "load"]
