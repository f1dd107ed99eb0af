"""A person's rows: which are theirs, how they are exported, and that no byte of them stays once they are erased."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as sqlite
import pytest
from sqlite_utils import Database

from shelfwise.night_report import NightReport
from shelfwise.store import Store
from shelfwise.store.schema import migrations
from shelfwise.validation import parse_event, parse_item

NOW = 1_320_000_000.0
EVERYTHING = (float("inf"), 2**62)
ANNA = "anna@example"


def record(store: Store, *rows: dict[str, Any]) -> None:
    """Events on a mug, a second apart unless they say otherwise; their `event_id` is their number by default."""
    events = []
    for number, row in enumerate(rows, store.events.count()):
        usual = {"event_id": f"e{number}", "type": "click", "item": "mug", "ts": NOW + number}
        events.append(parse_event(usual | row, NOW))
    store.events.add(events)


def show(store: Store, table: str, *rows: dict[str, Any]) -> None:
    """Logged answers; they are written when this returns."""
    kind = {"query": "red mug"} if table == "searches" else {"kind": "popular", "item": None}
    for fields in rows:
        row = {"ts": NOW, "user": None, "session": None, "generation": 0} | kind | fields
        store.answer_log.add(table, row, ["mug", "cup"])
    store.answer_log.close()


def stored_keys(store: Store, table: str, key: str) -> set[str]:
    return {row[0] for row in store._connections.rows(f"SELECT {key} FROM {table}")}


def erase(store: Store, user: str = ANNA, learned_ranges: dict[int, tuple[float, int]] | None = None) -> dict[str, Any]:
    return store.personal_data.erase(user, NOW, learned_ranges or {})


# ---- finding a person's rows --------------------------------------------------------------------------------


def test_erase_of_an_unknown_user_erases_nothing(store: Store) -> None:
    record(store, {"user": "other"}, {"session": "s"}, {})
    nothing = {"erasure": None, "events": 0, "searches": 0, "recommendations": 0, "generations": []}
    assert erase(store, learned_ranges={0: EVERYTHING}) == nothing
    assert store.events.count() == 3
    assert store._connections.value("SELECT count(*) FROM erasures") == 0
    assert store.personal_data.generations_to_retire() == set()


@pytest.mark.parametrize(
    ("row", "theirs"),
    [
        ({"user": ANNA}, True),
        ({"user": ANNA, "session": "shared"}, True),
        ({"session": "own"}, True),
        ({"session": "own by a search"}, True),
        ({"session": "own by a shelf"}, True),
        ({"search_id": "her search"}, True),
        ({"recommendation_id": "her shelf"}, True),
        ({"session": "unknown", "search_id": "her search"}, True),
        ({}, False),
        ({"session": "shared"}, False),
        ({"session": "shared with a search"}, False),
        ({"session": "unknown"}, False),
        ({"search_id": "another's search"}, False),
        ({"user": "other", "search_id": "her search"}, False),
        ({"user": "other"}, False),
        ({"user": ANNA.upper()}, False),
    ],
)
def test_find_tells_the_owner_of_an_event(store: Store, row: dict[str, Any], theirs: bool) -> None:
    record(store, *({"user": ANNA, "session": name} for name in ("own", "shared", "shared with a search")))
    record(store, {"user": "other", "session": "shared"})
    show(store, "searches", {"id": "her search", "user": ANNA, "session": "own by a search"},
         {"id": "another's search", "user": "other", "session": "shared with a search"})  # fmt: skip
    show(store, "recommendations", {"id": "her shelf", "user": ANNA, "session": "own by a shelf"})
    record(store, row | {"event_id": "examined"})
    event_ids = {event["event_id"] for event in store.personal_data.find(ANNA).events}
    assert ("examined" in event_ids) == theirs
    assert erase(store)["events"] == len(event_ids)
    assert ("examined" not in stored_keys(store, "events", "event_id")) == theirs


@pytest.mark.parametrize(("table", "key"), [("searches", "search_id"), ("recommendations", "recommendation_id")])
def test_erase_tells_the_owner_of_an_answer(store: Store, table: str, key: str) -> None:
    rows: dict[str, dict[str, Any]] = {
        "named": {"user": ANNA},
        "own session": {"session": "own"},
        "she went on from it": {},
        "nobody's": {},
        "others went on, too": {},
        "another's": {"user": "other", "session": "shared"},
        "shared session": {"session": "shared"},
    }
    show(store, table, *(row | {"id": id} for id, row in rows.items()))
    record(store, {"user": ANNA, "session": "own", key: "she went on from it"}, {"user": ANNA, "session": "shared"},
           {"user": ANNA, key: "others went on, too"}, {"user": "other", key: "others went on, too"},
           {"user": ANNA, key: "another's"})  # fmt: skip
    assert erase(store)[table] == 3
    assert stored_keys(store, table, key) == {"nobody's", "others went on, too", "another's", "shared session"}


def test_to_dict_holds_whole_rows_with_iso_times(store: Store) -> None:
    record(store, {"user": ANNA, "session": "s", "query": "red mug", "position": 3}, {"session": "t", "user": ANNA})
    show(store, "searches", {"id": "q", "user": ANNA, "query": "blue mug"})
    exported = store.personal_data.find(ANNA).to_dict()
    assert list(exported) == ["events", "searches", "recommendations", "sessions"]
    assert exported["events"][0] == {
        "seq": 1, "event_id": "e0", "ts": "2011-10-30T18:40:00.000Z", "type": "click", "item": "mug", "user": ANNA,
        "session": "s", "search_id": None, "recommendation_id": None, "position": 3, "query": "red mug",
        "value": None, "quantity": None,
    }  # fmt: skip
    assert exported["searches"] == [
        {"search_id": "q", "ts": "2011-10-30T18:40:00.000Z", "query": "blue mug", "user": ANNA, "session": None,
         "generation": 0, "shown": ["mug", "cup"]}
    ]  # fmt: skip
    assert (exported["recommendations"], exported["sessions"]) == ([], ["s", "t"])
    json.dumps(exported)


# ---- erasing ------------------------------------------------------------------------------------------------


def test_erase_twice_is_idempotent(store: Store) -> None:
    record(store, {"user": ANNA}, {"user": "other"})
    assert erase(store, learned_ranges={1: EVERYTHING})["erasure"] == 1
    assert erase(store, learned_ranges={1: EVERYTHING})["erasure"] is None
    assert store.personal_data.generations_to_retire() == {1}
    assert store.personal_data.find(ANNA).to_dict() == {
        "events": [],
        "searches": [],
        "recommendations": [],
        "sessions": [],
    }


def test_erasures_table_names_no_user(store: Store) -> None:
    record(store, {"user": ANNA}, {"user": ANNA})
    show(store, "searches", {"id": "q", "user": ANNA})
    erase(store, learned_ranges={4: EVERYTHING, 5: (0.0, 0)})
    (row,) = store._connections.rows("SELECT * FROM erasures")
    assert dict(row) == {"id": 1, "at": NOW, "events": 2, "searches": 1, "recommendations": 0, "generations": "[4]"}


def test_erase_rolls_back_whole_after_an_error(store: Store) -> None:
    record(store, {"user": ANNA})
    number = store.ledger.begin(NOW, 0)
    with store._connections.write() as connection:
        connection.execute("UPDATE nights SET report = 'broken' WHERE night = ?", (number,))
    with pytest.raises(json.JSONDecodeError):
        erase(store)
    assert (store.events.count(), store._connections.value("SELECT count(*) FROM erasures")) == (1, 0)
    assert store._connections.value("PRAGMA secure_delete") == 0


def test_erase_never_frees_a_seq(store: Store) -> None:
    record(store, {"user": "other"}, {"user": ANNA}, {"user": ANNA})
    erase(store)
    assert store.events.last_seq() == 1
    store.personal_data.vacuum()
    record(store, {"event_id": "new"})
    assert store.events.last_seq() == 4


def stored(folder: Path, text: str) -> dict[str, int]:
    """How often the text stands in each file of the shop."""
    counts = {path.name: path.read_bytes().count(text.encode()) for path in folder.iterdir() if path.is_file()}
    return {name: count for name, count in counts.items() if count}


def test_vacuum_leaves_no_byte_of_erased_rows(store: Store) -> None:
    """Pages that were split keep copies of moved rows, which only writing the file anew takes out."""
    rng, folder = random.Random(0), store.path.parent
    for start in range(0, 3_000, 500):
        record(store, *({"event_id": f"{rng.getrandbits(99):x}", "session": f"{rng.getrandbits(99):x}",
                         "user": ANNA if n % 30 == 0 else f"user {rng.randrange(500)}", "ts": NOW + rng.random()}
                        for n in range(start, start + 500)))  # fmt: skip
    show(store, "searches", {"id": "q", "user": ANNA, "query": "her own words"})
    assert stored(folder, ANNA)
    assert erase(store)["events"] == 100
    assert store.personal_data.vacuum()
    assert (stored(folder, ANNA), stored(folder, "her own words")) == ({}, {})


def test_vacuum_keeps_all_other_rows(store: Store) -> None:
    store.items.upsert([(0, parse_item({"id": "mug", "title": "Red Mug"}))])
    record(store, {"user": ANNA}, {"user": "other"})
    erase(store)
    assert store.personal_data.vacuum()
    assert len(store.fulltext.postings("mug")[0]) == 1
    assert (store.items.last_seq(), store.events.count(), store.personal_data.size() > 0) == (1, 1, True)
    assert store._connections.value("PRAGMA busy_timeout") == 60_000


def test_vacuum_beside_a_reader_returns_false(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelfwise.store.personal_data._VACUUM_WAIT_MS", 10)
    record(store, {"user": ANNA})
    other = Store(store.path.parent)
    reading = other._connections.connection()
    reading.execute("BEGIN")
    assert reading.execute("SELECT count(*) FROM events").fetchone()[0] == 1
    erase(store)
    assert not store.personal_data.vacuum()
    assert reading.execute("SELECT count(*) FROM events").fetchone()[0] == 1
    reading.execute("COMMIT")
    assert store.personal_data.vacuum()
    assert stored(store.path.parent, ANNA) == {}
    other.close()


def test_vacuum_of_a_too_large_file_returns_false(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelfwise.store.personal_data._MAX_VACUUM_BYTES", 0)
    assert not store.personal_data.vacuum()


# ---- the generations that learned from them -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("until", "events_seq", "learned"),
    [
        (NOW + 1.5, 2, True),
        (NOW + 1.0, 2, False),  # until is exclusive
        (NOW + 1.5, 1, False),  # seq is inclusive
        (0.0, 2**62, False),
        (float("inf"), 2, True),
        (float("inf"), 0, False),
    ],
)
def test_learned_by_compares_with_the_learned_range(store: Store, until: float, events_seq: int, learned: bool) -> None:
    record(store, {"user": "other"}, {"user": ANNA})
    assert store.personal_data.find(ANNA).learned_by({7: (until, events_seq)}) == [7] * learned
    assert erase(store, learned_ranges={7: (until, events_seq)})["generations"] == [7] * learned
    assert store.personal_data.generations_to_retire() == {7} - ({7} if not learned else set())


def test_learned_by_compares_both_bounds_with_one_event(store: Store) -> None:
    """An early event that came late and a late one that came early are in no generation that ended between."""
    record(store, {"user": ANNA, "ts": NOW + 100}, {"user": ANNA, "ts": NOW})
    assert erase(store, learned_ranges={1: (NOW + 50, 1)})["generations"] == []


def night(store: Store, verdict: str, generation: int | None, report: dict[str, Any], parent: int = 0) -> int:
    number = store.ledger.begin(NOW, parent)
    store.ledger.end(number, NOW, verdict, "", generation, NightReport.from_dict(report))
    return number


def test_erase_marks_the_nights_of_retired_generations(store: Store) -> None:
    record(store, {"user": ANNA}, {"user": "other"})
    nights = {
        verdict: night(store, verdict, 1, {"counts": {"events": 2}})
        for verdict in ("published", "refused", "compacted", "nothing to learn", "failed", "killed")
    }
    other_night = night(store, "published", 2, {})
    erase(store, learned_ranges={1: EVERYTHING})
    erase(store, "other", learned_ranges={1: EVERYTHING})
    marked = {verdict for verdict, number in nights.items() if "erased" in store.ledger.get(number)["report"]}
    assert marked == {"published", "refused", "compacted", "nothing to learn"}, "these may have made it"
    assert store.ledger.get(nights["published"])["report"]["erased"] == [1, 2]
    assert store.ledger.get(nights["published"])["report"]["counts"] == {"events": 2}
    assert "erased" not in store.ledger.get(other_night)["report"]


def test_erase_drops_queries_from_reports(store: Store) -> None:
    record(store, {"user": ANNA, "query": "Anna's Mug!"}, {"user": "other", "query": "lantern"})
    show(store, "searches", {"id": "q", "user": ANNA, "query": "blue bag"})

    def examples(queries: Iterable[str]) -> dict[str, Any]:
        return {
            "gained": [{"query": query, "item": "mug", "before": 0.5, "after": 1.0} for query in queries],
            "lost": [],
        }

    number = night(store, "failed", 0, {"moved": examples(["anna's  mug", "lantern", "blue bag"]), "warnings": ["x"]})
    erase(store)
    assert store.ledger.get(number)["report"]["moved"] == examples(["lantern"])
    assert store.ledger.get(number)["report"]["warnings"] == ["x"]


@pytest.mark.parametrize(
    ("warning", "stays"),
    [
        (f"{ANNA} chose more than a person does", False),
        ("left out: own-session", False),
        (f"{ANNA}2 chose more than a person does", True),
        ("query mix moved: PSI 0.31 > 0.25", True),
    ],
)
def test_erase_drops_sentences_that_name_the_user(store: Store, warning: str, stays: bool) -> None:
    record(store, {"user": ANNA, "session": "own-session"})
    number = night(store, "published", 1, {"warnings": [warning, "another"], "strategy": "replay"})
    erase(store)
    kept = [warning, "another"] if stays else ["another"]
    assert store.ledger.get(number)["report"]["warnings"] == kept
    assert store.ledger.get(number)["report"]["strategy"] == "replay"


def test_last_generation_is_the_highest_ever_named(store: Store) -> None:
    assert store.personal_data.last_generation() == -1
    number = store.ledger.begin(NOW, 0)
    assert store.personal_data.last_generation() == 0
    store.ledger.end(number, NOW, "published", "", 1, NightReport())
    assert store.personal_data.last_generation() == 1
    record(store, {"user": ANNA})
    erase(store, learned_ranges={3: EVERYTHING, 2: EVERYTHING})
    assert (store.personal_data.last_generation(), store.personal_data.generations_to_retire()) == (3, {2, 3})


def test_migration_adds_erasures_and_indexes(tmp_path: Path) -> None:
    old = sqlite.connect(tmp_path / "shop.db")
    migrations.apply(Database(old), stop_before="erasures")
    old.execute("PRAGMA user_version = 2")
    assert not made_since(old)
    old.execute("INSERT INTO events (event_id, ts, type, item, user) VALUES ('e0', ?, 'click', 'mug', ?)", (NOW, ANNA))
    old.commit()
    old.close()
    again = Store(tmp_path)
    assert made_since(again._connections.connection()) == {"erasures", "searches_ts", "recommendations_ts"}
    assert erase(again)["events"] == 1
    again.close()


def made_since(connection: Any) -> set[str]:
    """What the third migration makes, as far as the database has it."""
    names = "'erasures', 'searches_ts', 'recommendations_ts'"
    return {row[0] for row in connection.execute(f"SELECT name FROM sqlite_master WHERE name IN ({names})")}
