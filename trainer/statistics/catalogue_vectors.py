"""Encode the catalogue and write the item side of a generation: vectors by one encoder, and the index over them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shelfwise.generation.encoder import Encoder
from shelfwise.index import VectorIndex, build
from shelfwise.store import ItemText, Store

__all__ = ["CatalogueTexts", "Progress", "encode_catalogue", "load_catalogue", "publish_changed_vectors", "write_index"]

Progress = Callable[[str, int, int], object]  # stage, done, total


@dataclass(frozen=True)
class CatalogueTexts:
    """The live items when the night began, in the order of `seq`; `items_seq` is the last `seq` that was read."""

    items: list[ItemText]
    items_seq: int

    @property
    def ids(self) -> list[str]:
        """Return the items' ids."""
        return [item.id for item in self.items]

    @property
    def texts(self) -> dict[str, str]:
        """Return item id → the text that the encoder reads."""
        return {item.id: item.text for item in self.items}


def load_catalogue(store: Store) -> CatalogueTexts:
    """Return all live items, and the `seq` up to which they were read."""
    items_seq = store.items.last_seq()
    return CatalogueTexts([item for item in store.items.texts(up_to=items_seq) if not item.deleted], items_seq)


def encode_catalogue(
    catalogue: CatalogueTexts,
    encoder: Encoder,
    progress: Callable[[int, int], object],
    reuse: VectorIndex | None = None,
) -> np.ndarray:
    """Return vectors (n_items, dim) float32 in the order of the catalogue.

    `progress` is called with (done, total) items. `reuse` is an up-to-date index filled by the same encoder; its
    vectors are taken where it has them.
    """
    vectors = np.zeros((len(catalogue.items), encoder.dim), dtype=np.float32)
    rows = {item.id: row for row, item in enumerate(catalogue.items)}
    missing = set(rows)
    if reuse is not None:
        known, known_vectors = reuse.vectors(rows)
        vectors[[rows[id] for id in known]] = known_vectors
        missing -= set(known)
    todo = [item for item in catalogue.items if item.id in missing]
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        progress(done, len(todo))

    if todo:
        vectors[[rows[item.id] for item in todo]] = encoder.items([item.text for item in todo], count)
    return vectors


def write_index(catalogue: CatalogueTexts, vectors: np.ndarray, folder: Path) -> None:
    """Write the parts `index` and `items` of a generation."""
    build(catalogue.ids, vectors).save(folder / "index")
    (folder / "items").mkdir()
    hashes = {item.id: item.text_hash for item in catalogue.items}
    (folder / "items" / "texts.json").write_text(json.dumps(hashes, ensure_ascii=False))


def publish_changed_vectors(store: Store, encoder: Encoder, after_seq: int) -> None:
    """Store vectors by the new encoder of the items that changed after `after_seq`, until none is left."""
    while changed := list(store.items.texts(after_seq=after_seq)):
        live = [item for item in changed if not item.deleted]
        if live:
            vectors = encoder.items([item.text for item in live])
            store.vectors.add(encoder.id, [(item.id, item.text_hash) for item in live], vectors)
        after_seq = changed[-1].seq
