"""The log of answers: written in the background, complete after `close`."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from shelfwise.store import Store

SEARCH: dict[str, Any] = {"id": "s1", "ts": 5.0, "query": "red mug", "user": "u", "session": None, "generation": 3}
SHELF: dict[str, Any] = {
    "id": "r1", "ts": 6.0, "kind": "similar", "item": "mug", "user": None, "session": "s", "generation": None,
}  # fmt: skip


def logged(store: Store, table: str) -> list[dict[str, Any]]:
    return [dict(row) for row in store._connections.rows(f"SELECT * FROM {table} ORDER BY ts")]


def test_add_writes_the_answer_as_shown(store: Store) -> None:
    store.answer_log.add("searches", SEARCH, ["a", "b"])
    store.answer_log.add("recommendations", SHELF, [])
    store.answer_log.close()
    (search,), (shelf,) = logged(store, "searches"), logged(store, "recommendations")
    assert search == {"search_id": "s1"} | {k: v for k, v in SEARCH.items() if k != "id"} | {"shown": '["a", "b"]'}
    assert shelf == {"recommendation_id": "r1"} | {k: v for k, v in SHELF.items() if k != "id"} | {"shown": "[]"}


def test_close_writes_the_queue_and_may_be_repeated(store: Store) -> None:
    for number in range(500):
        store.answer_log.add("searches", SEARCH | {"id": f"s{number}", "ts": number}, [str(number)])
    store.answer_log.close()
    store.answer_log.close()
    assert [json.loads(row["shown"]) for row in logged(store, "searches")] == [[str(number)] for number in range(500)]
    assert store.answer_log.dropped == 0


def test_add_of_an_invalid_row_is_counted_as_dropped(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.CRITICAL, "shelfwise"):
        store.answer_log.add("searches", SEARCH | {"query": None}, [])
        store.answer_log.close()
    assert store.answer_log.dropped == 1
    store.answer_log.add("searches", SEARCH, [])
    store.answer_log.close()
    assert [row["search_id"] for row in logged(store, "searches")] == ["s1"]
