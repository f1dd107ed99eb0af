"""A database of the third schema, with items in it, becomes one of the fourth: nothing lost, everything derived."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as sqlite
import pytest
from sqlite_utils import Database

from shelfwise.errors import ShelfwiseError
from shelfwise.store import Store
from shelfwise.store.connection import SCHEMA
from shelfwise.store.derived_columns import attribute_text, variant_number
from shelfwise.store.items import item_text
from shelfwise.store.schema import FTS_COLUMNS, migrations
from shelfwise.validation import parse_item
from support.threads import run_in_threads

ITEMS: list[dict[str, Any]] = [
    {"id": "shirt", "title": "Red T-Shirt", "price": 5, "tags": ["new"], "attributes": {"size": 3, "fit": "Slim"}},
    {"id": "mug", "title": "Coffee Mug", "brand": "Acme", "description": "日本語のマグ"},
    {"id": "gone", "title": "Sold Lantern", "deleted": 1, "attributes": {"colour": "red"}},
    {"id": "blue", "title": "Blue T-Shirt"},
]


def old_shop(folder: Path) -> Path:
    """As shelfwise 0.1 left it: items, one of them deleted, and an event."""
    folder.mkdir()
    connection = sqlite.connect(str(folder / "shop.db"))
    migrations.apply(Database(connection), stop_before="understanding")
    for seq, item in enumerate(ITEMS, 1):
        row = dict.fromkeys(("brand", "category", "description", "price"), None) | item
        row |= {"seq": seq, "deleted": item.get("deleted", 0), "in_stock": 1}
        row["tags"] = json.dumps(item["tags"]) if "tags" in item else None
        row["attributes"] = json.dumps(item["attributes"]) if "attributes" in item else None
        row["attribute_text"] = attribute_text(item.get("attributes", {}))
        row["text_hash"] = hashlib.sha256(item_text(row).encode()).hexdigest()[:16]
        connection.execute(
            f"INSERT INTO items ({', '.join(row)}) VALUES ({', '.join(':' + name for name in row)})", row
        )
    connection.execute("INSERT INTO events (event_id, ts, type, item, user) VALUES ('e', 5, 'click', 'mug', 'u')")
    connection.execute("PRAGMA user_version = 3")
    connection.commit()
    connection.close()
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return old_shop(tmp_path / "shop")


def table(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite.connect(str(folder / "shop.db"))
    try:
        return [tuple(row) for row in connection.execute(sql)]
    finally:
        connection.close()


def test_migration_keeps_all_rows(folder: Path) -> None:
    columns = [row[1] for row in table(folder, "PRAGMA table_info(items)")]
    select_items = f"SELECT {', '.join(columns)} FROM items ORDER BY pk"
    before, events = table(folder, select_items), table(folder, "SELECT * FROM events")
    Store(folder).close()
    assert table(folder, select_items) == before
    assert table(folder, "SELECT * FROM events") == events
    assert table(folder, "PRAGMA user_version") == [(SCHEMA,)] == [(6,)]
    Store(folder).close()
    assert table(folder, select_items) == before, "and opening it once more changes nothing"


def test_migration_derives_columns_and_values(folder: Path) -> None:
    Store(folder).close()
    rows = table(folder, "SELECT id, extra_text, family FROM items ORDER BY pk")
    assert [(id, (extra or "").split()[:1], family) for id, extra, family in rows] == [
        ("shirt", ["tshirt"], variant_number("Red T-Shirt")),
        ("mug", ["日本"], variant_number("Coffee Mug")),
        ("gone", [], None),
        ("blue", ["tshirt"], variant_number("Red T-Shirt")),
    ]
    assert table(folder, "SELECT pk, name, value FROM item_values ORDER BY name") == [
        (1, "fit", "slim"),
        (1, "size", "3"),
        (1, "tags", "new"),
    ]


@pytest.mark.parametrize(
    ("match", "rows"),
    [("tshirt", [1, 4]), ("acme", [2]), ("slim", [1]), ("本語", [2]), ("lantern", []), ("mug", [2]), ("new", [1])],
)
def test_migration_rebuilds_the_fulltext_index(folder: Path, match: str, rows: list[int]) -> None:
    store = Store(folder)
    assert store.fulltext.postings(match)[0].tolist() == rows
    store._connections.connection().execute("INSERT INTO items_fts (items_fts) VALUES ('integrity-check')")
    store.close()


def test_fulltext_index_follows_writes_after_the_migration(folder: Path) -> None:
    store = Store(folder)
    changes = store.fulltext.changes()
    store.items.upsert([(0, parse_item({"id": "mug", "price": 9, "in_stock": False}))])
    assert store.fulltext.changes() == changes, "a price is no text"
    store.items.upsert([(0, parse_item({"id": "mug", "title": "Tea Cup"}))])
    store.items.upsert([(0, parse_item({"id": "gone", "title": "Lantern Again"}))])
    assert store.fulltext.changes() > changes
    postings = {match: store.fulltext.postings(match)[0].tolist() for match in ("coffee", "cup", "again", "sold")}
    assert postings == {"coffee": [], "cup": [2], "again": [3], "sold": []}
    store.items.delete(["mug"])
    assert store.fulltext.postings("cup")[0].tolist() == []
    store.close()


def test_upsert_of_equal_items_after_the_migration_changes_none(folder: Path) -> None:
    """Else the first import after the upgrade would touch every item."""
    store = Store(folder)
    live = [item for item in ITEMS if not item.get("deleted")]
    done = store.items.upsert([(number, parse_item(item)) for number, item in enumerate(live)])
    assert (done.upserted, done.unchanged, done.rejected) == (0, 3, [])
    assert store.items.last_seq() == 4
    store.close()


def test_migration_by_several_threads_runs_once(folder: Path) -> None:
    def open_it(_: int) -> None:
        store = Store(folder)
        assert store.fulltext.postings("tshirt")[0].tolist() == [1, 4]
        store.close()

    run_in_threads(open_it, range(4))


def test_migrated_schema_equals_a_new_one(folder: Path, tmp_path: Path) -> None:
    Store(folder).close()
    Store(tmp_path / "new").close()
    select_schema = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name"
    assert table(folder, select_schema) == table(tmp_path / "new", select_schema)


def test_store_of_a_newer_schema_raises(folder: Path) -> None:
    connection = sqlite.connect(str(folder / "shop.db"))
    connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    connection.close()
    with pytest.raises(ShelfwiseError, match=r"schema \d+ at most, got \d+: upgrade shelfwise"):
        Store(folder)


def test_fulltext_weights_match_the_columns() -> None:
    from shelfwise.store.fulltext import _WEIGHTS

    assert len(_WEIGHTS.split(",")) == len(FTS_COLUMNS)
