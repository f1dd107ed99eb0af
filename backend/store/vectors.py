"""Embeddings of items changed since a generation was built: derived, safe to lose, shared by all processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shelfwise.store.connection import Repository

__all__ = ["StoredVector", "Vectors"]


@dataclass(frozen=True, slots=True)
class StoredVector:
    """The embedding of an item; `vseq` grows with each that is stored, `text_hash` is of the text it was made from."""

    vseq: int
    item: str
    text_hash: str
    vector: np.ndarray  # (dim,) float32


class Vectors(Repository):
    """The newest embedding of an item by each encoder, found by pollers by its `vseq`."""

    def add(self, encoder: str, items: Sequence[tuple[str, str]], vectors: np.ndarray) -> None:
        """Store vectors (n, dim) float32 of n (item, text_hash) by the encoder of that id, in place of older ones."""
        rows = [
            (item, encoder, text_hash, vector.tobytes())
            for (item, text_hash), vector in zip(items, vectors.astype(np.float32), strict=True)
        ]
        with self._db.write() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO vectors (item, encoder, text_hash, vector) VALUES (?, ?, ?, ?)", rows
            )

    def last_vseq(self) -> int:
        """Return the highest `vseq`, 0 without any."""
        return int(self._db.value("SELECT coalesce(max(vseq), 0) FROM vectors"))

    def after(self, vseq: int, encoder: str) -> list[StoredVector]:
        """Return the vectors of this encoder stored after `vseq`, oldest first."""
        rows = self._db.rows(
            "SELECT vseq, item, text_hash, vector FROM vectors WHERE vseq > ? AND encoder = ? ORDER BY vseq",
            (vseq, encoder),
        )
        return [StoredVector(row[0], row[1], row[2], np.frombuffer(row[3], np.float32)) for row in rows]

    def keep_only(self, encoders: Sequence[str]) -> None:
        """Delete the vectors of all other encoders."""
        marks = ", ".join("?" * len(encoders))
        with self._db.write() as connection:
            connection.execute(f"DELETE FROM vectors WHERE encoder NOT IN ({marks})", tuple(encoders))
