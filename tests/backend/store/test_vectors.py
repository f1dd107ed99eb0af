"""Stored vectors: found by pollers, one an item and encoder."""

from __future__ import annotations

import numpy as np

from shelfwise.store import Store

ONE, TWO = np.eye(2, 4, dtype=np.float32)


def test_vectors_are_found_by_their_vseq(store: Store) -> None:
    assert (store.vectors.last_vseq(), store.vectors.after(0, "enc")) == (0, [])
    store.vectors.add("enc", [("a", "h1"), ("b", "h2")], np.stack([ONE, TWO]).astype(np.float64))
    first, second = store.vectors.after(0, "enc")
    assert (first.item, first.text_hash, second.item) == ("a", "h1", "b")
    assert first.vector.dtype == np.float32
    assert np.array_equal(first.vector, ONE)
    assert [found.item for found in store.vectors.after(first.vseq, "enc")] == ["b"]
    assert store.vectors.last_vseq() == second.vseq


def test_a_newer_vector_replaces_an_older_one_and_is_seen_as_new(store: Store) -> None:
    store.vectors.add("enc", [("a", "h1")], ONE[None])
    seen = store.vectors.last_vseq()
    store.vectors.add("enc", [("a", "h2")], TWO[None])
    (found,) = store.vectors.after(0, "enc")
    assert (found.text_hash, found.vseq > seen) == ("h2", True)
    assert np.array_equal(found.vector, TWO)


def test_encoders_are_kept_apart(store: Store) -> None:
    store.vectors.add("old", [("a", "h1")], ONE[None])
    store.vectors.add("new", [("a", "h1")], TWO[None])
    assert [np.argmax(found.vector) for name in ("old", "new") for found in store.vectors.after(0, name)] == [0, 1]
    store.vectors.keep_only(["new", "newer"])
    assert (store.vectors.after(0, "old"), len(store.vectors.after(0, "new"))) == ([], 1)


def test_a_vseq_is_never_used_twice(store: Store) -> None:
    store.vectors.add("enc", [("a", "h1")], ONE[None])
    seen = store.vectors.last_vseq()
    store.vectors.keep_only([])
    store.vectors.add("enc", [("a", "h1")], ONE[None])
    assert store.vectors.last_vseq() > seen
