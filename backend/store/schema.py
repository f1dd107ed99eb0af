"""The tables of shop.db. A change of schema is a new migration at the end, never an edit of an old one.

The names of the functions are stored in the database, as the migrations that it had.
"""

from __future__ import annotations

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from shelfwise.store.derived_columns import derive

__all__ = ["FTS_COLUMNS", "migrations"]

migrations = Migrations("shelfwise")

# The searchable columns, in the order of the weights in `fulltext`.
FTS_COLUMNS = ("title", "brand", "category", "tags", "description", "attribute_text", "extra_text")


@migrations()
def facts(db: Database) -> None:
    """Create items, logged answers, events, nights and vectors."""
    # `pk` is explicit because FTS5 refers to it, and VACUUM may renumber an implicit rowid.
    # A deleted item stays as a tombstone row, so that every process learns of it by its `seq`.
    for statement in (
        """CREATE TABLE items (
            pk INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT, description TEXT, brand TEXT,
            category TEXT, price REAL, currency TEXT, in_stock INTEGER NOT NULL DEFAULT 1, url TEXT, image TEXT,
            tags TEXT, created_at REAL, attributes TEXT, attribute_text TEXT,
            text_hash TEXT NOT NULL, seq INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0)""",
        "CREATE UNIQUE INDEX items_seq ON items (seq)",
        """CREATE TABLE searches (
            search_id TEXT PRIMARY KEY, ts REAL NOT NULL, query TEXT NOT NULL, user TEXT, session TEXT,
            generation INTEGER, shown TEXT NOT NULL)""",
        """CREATE TABLE recommendations (
            recommendation_id TEXT PRIMARY KEY, ts REAL NOT NULL, kind TEXT NOT NULL, item TEXT, user TEXT,
            session TEXT, generation INTEGER, shown TEXT NOT NULL)""",
        """CREATE TABLE events (
            seq INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL UNIQUE, ts REAL NOT NULL,
            type TEXT NOT NULL, item TEXT NOT NULL, user TEXT, session TEXT, search_id TEXT,
            recommendation_id TEXT, position INTEGER, query TEXT, value REAL, quantity REAL)""",
        "CREATE INDEX events_ts ON events (ts)",
        "CREATE INDEX events_user ON events (user, ts) WHERE user IS NOT NULL",
        "CREATE INDEX events_session ON events (session, ts) WHERE session IS NOT NULL",
        """CREATE TABLE nights (
            night INTEGER PRIMARY KEY AUTOINCREMENT, started REAL NOT NULL, finished REAL, verdict TEXT NOT NULL,
            reason TEXT, parent INTEGER, generation INTEGER, report TEXT)""",
        # Derived, and safe to lose: the newest vector of an item by an encoder, found by pollers by its `vseq`.
        """CREATE TABLE vectors (
            vseq INTEGER PRIMARY KEY AUTOINCREMENT, item TEXT NOT NULL, encoder TEXT NOT NULL,
            text_hash TEXT NOT NULL, vector BLOB NOT NULL, UNIQUE (item, encoder))""",
    ):
        db.execute(statement)


@migrations()
def full_text(db: Database) -> None:
    """Create the full-text index over the first six columns, and its triggers."""
    first = FTS_COLUMNS[:6]
    columns = ", ".join(first)
    old, new = (", ".join(f"{side}.{column}" for column in first) for side in ("old", "new"))
    for statement in (
        f"""CREATE VIRTUAL TABLE items_fts USING fts5 ({columns}, content = 'items', content_rowid = 'pk',
            tokenize = 'porter unicode61 remove_diacritics 2', prefix = '2 3')""",
        f"""CREATE TRIGGER items_fts_insert AFTER INSERT ON items WHEN new.deleted = 0 BEGIN
            INSERT INTO items_fts (rowid, {columns}) VALUES (new.pk, {new}); END""",
        f"""CREATE TRIGGER items_fts_out BEFORE UPDATE ON items WHEN old.deleted = 0 BEGIN
            INSERT INTO items_fts (items_fts, rowid, {columns}) VALUES ('delete', old.pk, {old}); END""",
        f"""CREATE TRIGGER items_fts_in AFTER UPDATE ON items WHEN new.deleted = 0 BEGIN
            INSERT INTO items_fts (rowid, {columns}) VALUES (new.pk, {new}); END""",
    ):
        db.execute(statement)


@migrations()
def erasures(db: Database) -> None:
    """Create the table of erasures, which names no user, not even as a hash, and the indexes of answers by time."""
    db.execute(
        """CREATE TABLE erasures (
            id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, events INTEGER NOT NULL,
            searches INTEGER NOT NULL, recommendations INTEGER NOT NULL, generations TEXT NOT NULL)"""
    )
    # Each night reads the answers of the last weeks.
    for table in ("searches", "recommendations"):
        db.execute(f"CREATE INDEX {table}_ts ON {table} (ts)")


@migrations()
def understanding(db: Database) -> None:
    """Add index terms beside the text, attributes by value, synonyms and rules; build the full-text index anew."""
    for statement in (
        "ALTER TABLE items ADD COLUMN extra_text TEXT",
        "ALTER TABLE items ADD COLUMN family INTEGER",  # equal for the variants of one product
        # Derived from `attributes`, a row for each value; the writer of an item keeps it.
        """CREATE TABLE item_values (pk INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL)""",
        "CREATE INDEX item_values_pk ON item_values (pk)",
        "CREATE INDEX item_values_name ON item_values (name, value, pk)",
        """CREATE TABLE synonyms (
            id INTEGER PRIMARY KEY AUTOINCREMENT, word TEXT NOT NULL, means TEXT NOT NULL, two_way INTEGER NOT NULL,
            UNIQUE (word, means))""",
        """CREATE TABLE rules (
            id INTEGER PRIMARY KEY AUTOINCREMENT, action TEXT NOT NULL, query TEXT, match TEXT NOT NULL,
            filter TEXT, items TEXT NOT NULL, strength REAL NOT NULL, starts REAL, ends REAL, note TEXT)""",
        # Every change of a synonym, a rule or a searchable text raises a number that each process reads.
        "CREATE TABLE said (seq INTEGER NOT NULL)",
        "INSERT INTO said VALUES (0)",
        "CREATE TABLE text_changes (seq INTEGER NOT NULL)",
        "INSERT INTO text_changes VALUES (0)",
        *(f"DROP TRIGGER items_fts_{name}" for name in ("insert", "out", "in")),
        "DROP TABLE items_fts",
    ):
        db.execute(statement)
    for table in ("synonyms", "rules"):
        for change in ("INSERT", "UPDATE", "DELETE"):
            db.execute(
                f"CREATE TRIGGER {table}_{change.lower()} AFTER {change} ON {table}"
                " BEGIN UPDATE said SET seq = seq + 1; END"
            )
    for row in db.execute("SELECT * FROM items WHERE deleted = 0").fetchall():
        derive(db.conn, row)
    _make_full_text(db)


@migrations()
def logins(db: Database) -> None:
    """Index the answers of anonymous sessions, which a login looks for."""
    for table in ("searches", "recommendations"):
        db.execute(f"CREATE INDEX {table}_session ON {table} (session) WHERE session IS NOT NULL AND user IS NULL")


@migrations()
def shelves_of_a_user(db: Database) -> None:
    """Index the shelves by shopper and time: each new one reads those that its shopper was shown lately."""
    for statement in (
        "CREATE INDEX recommendations_user ON recommendations (user, ts) WHERE user IS NOT NULL",
        "DROP INDEX recommendations_session",
        "CREATE INDEX recommendations_session ON recommendations (session, ts)"
        " WHERE session IS NOT NULL AND user IS NULL",
    ):
        db.execute(statement)


def _make_full_text(db: Database) -> None:
    """Create the full-text index over all columns; it is written only when a searchable text changes."""
    columns = ", ".join(FTS_COLUMNS)
    old, new = (", ".join(f"{side}.{column}" for column in FTS_COLUMNS) for side in ("old", "new"))
    moved = "UPDATE text_changes SET seq = seq + 1;"
    changed = " OR ".join(f"old.{column} IS NOT new.{column}" for column in (*FTS_COLUMNS, "deleted"))
    for statement in (
        f"""CREATE VIRTUAL TABLE items_fts USING fts5 ({columns}, content = 'items', content_rowid = 'pk',
            tokenize = 'porter unicode61 remove_diacritics 2', prefix = '2 3')""",
        f"INSERT INTO items_fts (rowid, {columns}) SELECT pk, {columns} FROM items WHERE deleted = 0",
        f"""CREATE TRIGGER items_fts_insert AFTER INSERT ON items WHEN new.deleted = 0 BEGIN
            INSERT INTO items_fts (rowid, {columns}) VALUES (new.pk, {new}); {moved} END""",
        f"""CREATE TRIGGER items_fts_out BEFORE UPDATE ON items WHEN old.deleted = 0 AND ({changed}) BEGIN
            INSERT INTO items_fts (items_fts, rowid, {columns}) VALUES ('delete', old.pk, {old}); {moved} END""",
        f"""CREATE TRIGGER items_fts_in AFTER UPDATE ON items WHEN new.deleted = 0 AND ({changed}) BEGIN
            INSERT INTO items_fts (rowid, {columns}) VALUES (new.pk, {new}); {moved} END""",
    ):
        db.execute(statement)
