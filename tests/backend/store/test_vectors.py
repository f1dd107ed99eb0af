"""Stored vectors: stored by pollers, one an item and encoder."""

from __future__ import annotations

import numpy as np

from shelfwise.store import Store

FIRST, SECOND = np.eye(2, 4, dtype=np.float32)


def test_after_returns_vectors_by_vseq(store: Store) -> None:
    assert (store.vectors.last_vseq(), store.vectors.after(0, "enc")) == (0, [])
    store.vectors.add("enc", [("a", "h1"), ("b", "h2")], np.stack([FIRST, SECOND]).astype(np.float64))
    first, second = store.vectors.after(0, "enc")
    assert (first.item, first.text_hash, second.item) == ("a", "h1", "b")
    assert first.vector.dtype == np.float32
    assert np.array_equal(first.vector, FIRST)
    assert [stored.item for stored in store.vectors.after(first.vseq, "enc")] == ["b"]
    assert store.vectors.last_vseq() == second.vseq


def test_add_replaces_with_a_new_vseq(store: Store) -> None:
    store.vectors.add("enc", [("a", "h1")], FIRST[None])
    vseq = store.vectors.last_vseq()
    store.vectors.add("enc", [("a", "h2")], SECOND[None])
    (stored,) = store.vectors.after(0, "enc")
    assert (stored.text_hash, stored.vseq > vseq) == ("h2", True)
    assert np.array_equal(stored.vector, SECOND)


def test_after_keeps_encoders_apart(store: Store) -> None:
    store.vectors.add("old", [("a", "h1")], FIRST[None])
    store.vectors.add("new", [("a", "h1")], SECOND[None])
    assert [np.argmax(stored.vector) for name in ("old", "new") for stored in store.vectors.after(0, name)] == [0, 1]
    store.vectors.keep_only(["new", "newer"])
    assert (store.vectors.after(0, "old"), len(store.vectors.after(0, "new"))) == ([], 1)


def test_keep_only_never_frees_a_vseq(store: Store) -> None:
    store.vectors.add("enc", [("a", "h1")], FIRST[None])
    vseq = store.vectors.last_vseq()
    store.vectors.keep_only([])
    store.vectors.add("enc", [("a", "h1")], FIRST[None])
    assert store.vectors.last_vseq() > vseq
