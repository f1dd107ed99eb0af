"""The nearest vectors to a vector, by id: one interface over a few kinds of FAISS index.
Vectors and ids live here, nothing else: no SQL, no text, no HTTP, and no import from the other rooms."""

from shelfwise.index.among import Among
from shelfwise.index.base import VectorIndex
from shelfwise.index.files import IndexCorrupt
from shelfwise.index.kinds import build, load

__all__ = ["Among", "IndexCorrupt", "VectorIndex", "build", "load"]
