"""A login gives an anonymous session's rows to the user: which of them, once, and what erasing takes then."""

from __future__ import annotations

from typing import Any

import pysqlite3.dbapi2 as sqlite
import pytest

from shelfwise.store import Store
from shelfwise.validation import parse_event
from support.threads import run_in_threads

NOW = 1_320_000_000.0
EVERYTHING = (float("inf"), 2**62)
NOTHING = {"events": 0, "searches": 0, "recommendations": 0}
KEYS = {"events": "event_id", "searches": "search_id", "recommendations": "recommendation_id"}

# The row before the session "s" is merged into anna, and its user afterwards.
ROWS: dict[str, tuple[dict[str, Any], str | None]] = {
    "anonymous": ({"session": "s"}, "anna"),
    "named already": ({"session": "s", "user": "anna"}, "anna"),
    "another's": ({"session": "s", "user": "berta"}, "berta"),
    "of another session": ({"session": "S"}, None),
    "of no session": ({}, None),
    "anna's elsewhere": ({"session": "t", "user": "anna"}, "anna"),
}


def record(store: Store, id: str, **fields: Any) -> None:
    store.events.add([parse_event({"event_id": id, "type": "click", "item": "mug", "ts": NOW} | fields, NOW)])


def show(store: Store, table: str, id: str, **fields: Any) -> None:
    """Queued, and not written yet when this returns."""
    kind = {"query": "red mug"} if table == "searches" else {"kind": "popular", "item": None}
    store.answer_log.add(
        table, {"id": id, "ts": NOW, "user": None, "session": None, "generation": 0} | kind | fields, []
    )


def fill(store: Store) -> None:
    for id, (fields, _) in ROWS.items():
        record(store, id, **fields)
        show(store, "searches", id, **fields)
        show(store, "recommendations", id, **fields)


def rows(store: Store, table: str) -> dict[str, dict[str, Any]]:
    return {row[KEYS[table]]: dict(row) for row in store._connections.rows(f"SELECT * FROM {table}")}


# ---- what changes hands -------------------------------------------------------------------------------------


def test_merge_gives_anonymous_rows_to_the_user(store: Store) -> None:
    fill(store)
    assert store.session_merge.merge("s", "anna") == {"events": 1, "searches": 1, "recommendations": 1}
    for table in KEYS:
        assert {id: row["user"] for id, row in rows(store, table).items()} == {
            id: user for id, (_, user) in ROWS.items()
        }


def test_merge_changes_only_the_user(store: Store) -> None:
    fill(store)
    store.answer_log.close()
    before = {table: rows(store, table)["anonymous"] for table in KEYS}
    store.session_merge.merge("s", "anna")
    assert {table: rows(store, table)["anonymous"] for table in KEYS} == {
        table: row | {"user": "anna"} for table, row in before.items()
    }


def test_merge_again_changes_nothing(store: Store) -> None:
    fill(store)
    store.session_merge.merge("s", "anna")
    assert store.session_merge.merge("s", "anna") == store.session_merge.merge("s", "berta") == NOTHING
    assert store.session_merge.merge("unknown", "anna") == NOTHING


def test_merge_of_a_second_user_takes_later_rows(store: Store) -> None:
    record(store, "first", session="s")
    store.session_merge.merge("s", "anna")
    record(store, "second", session="s")
    assert store.session_merge.merge("s", "berta")["events"] == 1
    assert [row["user"] for row in rows(store, "events").values()] == ["anna", "berta"]


def test_merge_rolls_back_whole_after_an_error(store: Store) -> None:
    fill(store)
    with store._connections.write() as connection:
        connection.execute(
            "CREATE TEMP TRIGGER no BEFORE UPDATE ON recommendations BEGIN SELECT raise(ABORT, 'no'); END"
        )
    with pytest.raises(sqlite.IntegrityError):
        store.session_merge.merge("s", "anna")
    assert rows(store, "events")["anonymous"]["user"] is None


# ---- what is still queued -----------------------------------------------------------------------------------


def test_merge_in_several_threads_writes_the_queue(store: Store) -> None:
    moved: dict[str, int] = {}

    def log_in(session: str) -> None:
        for number in range(4):
            show(store, "searches", f"{session} {number}", session=session)
            merged = store.session_merge.merge(session, f"user of {session}")
            moved[session] = moved.get(session, 0) + merged["searches"]

    run_in_threads(log_in, [f"s{number}" for number in range(6)])
    show(store, "searches", "after")
    store.answer_log.close()
    assert moved == {f"s{number}": 4 for number in range(6)}
    assert (len(rows(store, "searches")), store.answer_log.dropped) == (25, 0)


def test_merge_again_moves_rows_logged_later(store: Store) -> None:
    other = Store(store.path.parent)
    show(other, "searches", "late", session="s")
    record(store, "e", session="s", search_id="late")
    assert store.session_merge.merge("s", "anna") == NOTHING | {"events": 1}
    other.close()
    assert next(iter(store.events.before(NOW + 1, 9))).query == "red mug", "joined, though the search has no user yet"
    assert store.session_merge.merge("s", "anna") == NOTHING | {"searches": 1}


# ---- erasing ------------------------------------------------------------------------------------------------


def test_erase_takes_merged_rows(store: Store) -> None:
    """Without the merge the anonymous row would stay, for another user was in the session too."""
    fill(store)
    assert len(store.personal_data.find("anna").events) == 2
    store.session_merge.merge("s", "anna")
    receipt = store.personal_data.erase("anna", NOW, {7: EVERYTHING})
    assert {name: receipt[name] for name in (*KEYS, "generations")} == {
        "events": 3, "searches": 3, "recommendations": 3, "generations": [7],
    }  # fmt: skip
    for table in KEYS:
        assert set(rows(store, table)) == {"another's", "of another session", "of no session"}


def test_erase_takes_rows_logged_after_the_merge(store: Store) -> None:
    record(store, "before", session="s")
    store.session_merge.merge("s", "anna")
    record(store, "after", session="s")
    show(store, "recommendations", "after", session="s")
    store.answer_log.close()
    receipt = store.personal_data.erase("anna", NOW, {})
    assert (receipt["events"], receipt["recommendations"]) == (2, 1)
    assert store.session_merge.merge("s", "anna") == NOTHING
