"""Imports: what is new and what was there, bad rows reported, logs moved in time, files larger than memory."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import NOW

from shelfwise import Shop
from shelfwise.ingest.importer import ImportCounts, ImportFiles, import_events, import_items, seekable
from shelfwise.ingest.readers import STDIN, BadRow, ColumnMapping
from shelfwise.timestamps import parse_time
from shelfwise.types import EVENT_FIELDS, ITEM_FIELDS

ITEM_MAPPING, EVENT_MAPPING = ColumnMapping.of(ITEM_FIELDS), ColumnMapping.of(EVENT_FIELDS)
LOG = (
    "item,type,user,ts\n"
    "mug-red,click,u1,2011-09-20 11:00:00\n"
    "mug-red,click,u1,2011-09-20 11:00:00\n"
    "candle,purchase,u2,2011-09-20 12:00:00.125\n"
)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Shop]:
    with Shop(tmp_path / "empty", clock=lambda: NOW) as opened:
        yield opened


def file(tmp_path: Path, content: str | bytes, name: str = "log.csv") -> str:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(tmp_path / name)


def add_items(shop: Shop, *paths: str, mapping: ColumnMapping = ITEM_MAPPING) -> tuple[ImportCounts, list[BadRow]]:
    bad: list[BadRow] = []
    return import_items(shop, ImportFiles(paths, mapping, bad.append)), bad


def add_events(
    shop: Shop, *paths: str, shift_to: float | None = None, mapping: ColumnMapping = EVENT_MAPPING
) -> tuple[ImportCounts, list[BadRow]]:
    bad: list[BadRow] = []
    return import_events(shop, ImportFiles(paths, mapping, bad.append), shift_to), bad


def times(shop: Shop) -> list[float]:
    return sorted(event.ts for event in shop.store.events.before(1e12, 2**62))


def test_items_are_added_changed_or_left(empty: Shop, tmp_path: Path) -> None:
    path = file(tmp_path, "id,title,price,colour\n1,Red Mug,2.55,red\n2,Blue Mug,3,\n")
    assert add_items(empty, path) == (ImportCounts(new=2), [])
    assert add_items(empty, path) == (ImportCounts(unchanged=2), [])
    changed = file(tmp_path, '{"id": 1, "price": 3.0}\n{"id": 2, "title": "Blue Mug"}\n', "more.jsonl")
    assert add_items(empty, changed) == (ImportCounts(new=1, unchanged=1), [])
    assert empty.item("1") == {
        "id": "1", "title": "Red Mug", "price": 3.0, "in_stock": True, "tags": [], "attributes": {"colour": "red"},
    }  # fmt: skip


def test_bad_items_are_reported_by_line_and_good_ones_kept(empty: Shop, tmp_path: Path) -> None:
    path = file(
        tmp_path,
        b"id,title,price\n1,Red Mug,2.55\n,Nameless,1\n3,Cheap,cheap\n4\n5,B\xffroken,1\n6,,1\n7,Last,0\n",
        "items.csv",
    )
    done, bad = add_items(empty, path)
    assert done == ImportCounts(new=2, rejected=5)
    assert {row.file for row in bad} == {path}
    reasons = {row.line: row.reason.partition(":")[0] for row in bad}
    assert reasons == {3: "id", 4: "price", 5: "expected 3 columns as in the header, got 1", 6: "title", 7: "title"}
    assert [id for id, _ in empty.store.items.titles()] == ["1", "7"]


def test_a_new_item_without_a_title_is_reported(empty: Shop, tmp_path: Path) -> None:
    path = file(tmp_path, '{"id": 1, "title": "Mug"}\n{"id": 2, "price": 3}\n', "items.jsonl")
    done, bad = add_items(empty, path)
    assert (done, [(row.line, row.reason[:6]) for row in bad]) == (ImportCounts(new=1, rejected=1), [(2, "title:")])


def test_a_column_whose_name_is_no_text_is_reported_row_by_row(empty: Shop, tmp_path: Path) -> None:
    done, bad = add_items(empty, file(tmp_path, b"id,title,colo\xffr\n1,Mug,red\n2,Cup,blue\n"))
    assert (done, [row.line for row in bad]) == (ImportCounts(rejected=2), [2, 3])


@pytest.mark.parametrize("depth", [200, 480, 900])
def test_deeply_nested_json_is_kept_or_reported(empty: Shop, tmp_path: Path, depth: int) -> None:
    deep = "[" * depth + "]" * depth
    path = file(tmp_path, f'{{"id": 1, "title": "Deep", "x": {deep}}}\n{{"id": 2, "title": "Mug"}}\n', "items.jsonl")
    done, bad = add_items(empty, path)
    assert done.new + done.rejected == 2
    assert all(row.line == 1 for row in bad)
    assert "2" in empty.store.items.get(["2"])


def test_the_same_log_twice_adds_nothing(empty: Shop, tmp_path: Path) -> None:
    path = file(tmp_path, LOG)
    assert add_events(empty, path) == (ImportCounts(new=3), [])
    assert add_events(empty, path) == (ImportCounts(unchanged=3), [])
    zipped = file(tmp_path, gzip.compress(LOG.encode()), "log.csv.gz")
    assert add_events(empty, zipped) == (ImportCounts(unchanged=3), [])


def test_the_same_log_twice_in_one_import_adds_nothing(empty: Shop, tmp_path: Path) -> None:
    path = file(tmp_path, LOG)
    assert add_events(empty, path, path) == (ImportCounts(new=3, unchanged=3), [])


def test_equal_rows_are_told_apart_by_their_ordinal(empty: Shop, tmp_path: Path) -> None:
    row = "mug-red,click,u1,2011-09-20\n"
    for count, new in ((2, 2), (2, 0), (3, 1), (1, 0)):
        path = file(tmp_path, "item,type,user,ts\n" + row * count)
        assert add_events(empty, path)[0] == ImportCounts(new=new, unchanged=count - new)


def test_equal_rows_beyond_one_transaction(empty: Shop, tmp_path: Path) -> None:
    path = file(tmp_path, "item,type\n" + "mug-red,click\n" * 6_000)
    assert add_events(empty, path)[0] == ImportCounts(new=6_000)
    assert add_events(empty, path)[0] == ImportCounts(unchanged=6_000)


def test_event_ids_of_the_file_are_kept(empty: Shop, tmp_path: Path) -> None:
    first = file(tmp_path, "event_id,item,type\n7,mug-red,click\n8,mug-red,click\n")
    assert add_events(empty, first)[0] == ImportCounts(new=2)
    second = file(tmp_path, '{"event_id": 7.0, "item": "candle", "type": "view"}\n', "log.jsonl")
    assert add_events(empty, second)[0] == ImportCounts(unchanged=1)
    assert {event.item for event in empty.store.events.before(1e12, 9)} == {"mug-red"}


def test_bad_events_are_reported_where_they_stand(empty: Shop, tmp_path: Path) -> None:
    rows = b"mug-red,click,2011\n,click,2011-09-20\nmug-red,buy,\nmug-red,click\nmug-red,click,\nm\xfcg,click,\n"
    done, bad = add_events(empty, file(tmp_path, b"item,type,ts\n" + rows))
    assert done.new == 2, "2011 are seconds"
    assert done.rejected == 4
    assert {row.line: row.reason.partition(":")[0] for row in bad} == {
        3: "item", 4: "type", 5: "expected 3 columns as in the header, got 2", 7: "item",
    }  # fmt: skip


def test_a_missing_time_is_now(empty: Shop, tmp_path: Path) -> None:
    add_events(empty, file(tmp_path, "item,type,ts\nmug-red,click,\n"))
    assert times(empty) == [NOW.timestamp()]


@pytest.mark.parametrize("target", ["2026-11-01", "2026-10-31T23:59:59.875Z", "2011-09-20 12:00:00.125", "2001-01-01"])
def test_a_log_is_moved_so_that_its_last_event_falls_there(empty: Shop, tmp_path: Path, target: str) -> None:
    add_events(empty, file(tmp_path, LOG), shift_to=parse_time(target))
    moved = times(empty)
    assert moved[-1] == parse_time(target)
    assert [moved[-1] - ts for ts in moved] == [3600.125, 3600.125, 0.0], "the distances stay"


def test_moving_a_log_twice_adds_nothing(empty: Shop, tmp_path: Path) -> None:
    path = file(tmp_path, LOG)
    add_events(empty, path, shift_to=NOW.timestamp())
    before = times(empty)
    later = (NOW + timedelta(days=1)).timestamp()
    assert add_events(empty, path, shift_to=later)[0] == ImportCounts(unchanged=3)
    assert add_events(empty, path)[0] == ImportCounts(unchanged=3)
    assert times(empty) == before


def test_the_latest_event_of_all_files_counts(empty: Shop, tmp_path: Path) -> None:
    first = file(tmp_path, LOG)
    second = file(tmp_path, '{"item": "candle", "type": "view", "ts": "2011-09-21 12:00:00"}\n', "log.jsonl")
    add_events(empty, first, second, shift_to=NOW.timestamp())
    assert times(empty)[-1] == NOW.timestamp()
    assert times(empty)[-2] == pytest.approx(NOW.timestamp() - 86_400, abs=1)


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        ("mug-red,click,2011-09-20\nmug-red,view,\n", [0.0, 0.0]),
        ("mug-red,click,\nmug-red,view,\n", [0.0, 0.0]),
        ("mug-red,click,2011-09-20\nmug-red,nonsense,2011-09-22\n", [0.0]),
        ("mug-red,click,2011-09-20\nmug-red,view,tomorrow\n", [0.0]),
    ],
    ids=["one without a time", "none with a time", "the last one is rejected", "one with no time at all"],
)
def test_nothing_is_moved_beyond_the_target(empty: Shop, tmp_path: Path, rows: str, kept: list[float]) -> None:
    add_events(empty, file(tmp_path, "item,type,ts\n" + rows), shift_to=NOW.timestamp())
    assert [ts - NOW.timestamp() for ts in times(empty)] == kept


def test_progress_counts_the_rows_that_could_be_read(empty: Shop, tmp_path: Path) -> None:
    steps: list[int] = []
    path = file(tmp_path, "id,title\n" + "".join(f"{number},Mug\n" for number in range(1_200)) + "bad\n")
    import_items(empty, ImportFiles([path], ITEM_MAPPING, progress=steps.append))
    assert (sum(steps), len(steps)) == (1_200, 3)


def test_a_large_log_is_streamed(empty: Shop, tmp_path: Path) -> None:
    path = tmp_path / "large.jsonl"
    padding = "x" * 1_500
    with path.open("w") as out:
        out.writelines(json.dumps(row) + "\n" for row in _rows(25_000, padding))
    tracemalloc.start()
    try:
        done, _ = add_events(empty, str(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert done == ImportCounts(new=25_000)
    assert peak < path.stat().st_size, "two batches at most, never the file"


def _rows(count: int, padding: str) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {
            "event_id": number,
            "type": "view",
            "item": f"i{number % 50}",
            "ts": 1_320_000_000 + number,
            "x": padding,
        }


@pytest.mark.parametrize(
    ("content", "name"), [(LOG, "stdin.csv"), ('\ufeff{"item": "a"}\n{"item": "b"}\n', "stdin.jsonl")]
)
def test_standard_input_can_be_read_twice(tmp_path: Path, content: str, name: str) -> None:
    with seekable(["a.csv", STDIN], io.BytesIO(content.encode())) as paths:
        assert paths[0] == "a.csv"
        assert Path(paths[1]).name == name
        assert Path(paths[1]).read_text() == content
    assert not Path(paths[1]).exists()


def test_files_alone_need_no_copy() -> None:
    with seekable(["a.csv"], io.BytesIO(b"never read")) as paths:
        assert paths == ["a.csv"]
