"""Reading rows: formats, line numbers, damaged files, and the options that rename and scale."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shelfwise.errors import InvalidInput
from shelfwise.ingest.readers import STDIN, BadRow, ColumnMapping, SourceRow, parse_pairs, read_rows
from shelfwise.types import EVENT_FIELDS, ITEM_FIELDS

UNMAPPED = ColumnMapping.of(ITEM_FIELDS)
CSV = "id,title\n1,Red Mug\n2,Blue Mug\n"
JSONL = '{"id": "1", "title": "Red Mug"}\n{"id": "2", "title": "Blue Mug"}\n'
ROWS = [(2, {"id": "1", "title": "Red Mug"}), (3, {"id": "2", "title": "Blue Mug"})]
BOM = "\ufeff"
Write = Callable[[str, "str | bytes"], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file, gzipped if its name says so, and gives its path."""

    def run(name: str, content: str | bytes) -> str:
        data = content.encode() if isinstance(content, str) else content
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return str(tmp_path / name)

    return run


def read(path: str, mapping: ColumnMapping = UNMAPPED) -> tuple[list[tuple[int, Any]], list[tuple[int, str]]]:
    """(line, row) of the good rows and (line, reason) of the bad ones; all name the file."""
    rows = list(read_rows([path], mapping))
    assert {row.file for row in rows} <= {path}
    good = [(row.line, row.row) for row in rows if isinstance(row, SourceRow)]
    return good, [(row.line, row.reason) for row in rows if isinstance(row, BadRow)]


@pytest.mark.parametrize("name", ["a.csv", "a.CSV", "a.csv.gz"])
@pytest.mark.parametrize("content", [CSV, BOM + CSV, CSV.replace("\n", "\r\n"), CSV.rstrip("\n")])
def test_csv(write: Write, name: str, content: str) -> None:
    assert read(write(name, content)) == (ROWS, [])


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json", "a.jsonl.gz"])
@pytest.mark.parametrize("content", [JSONL, BOM + JSONL, JSONL.replace("\n", "\r\n"), JSONL.rstrip("\n")])
def test_jsonl(write: Write, name: str, content: str) -> None:
    assert read(write(name, content)) == ([(line - 1, row) for line, row in ROWS], [])


@pytest.mark.parametrize("content", [CSV, BOM + CSV, "\n" + JSONL, BOM + JSONL, JSONL])
def test_standard_input_is_csv_or_jsonl(monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    piped = io.BufferedReader(io.BytesIO(content.encode()))  # type: ignore[arg-type]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(piped))
    good, bad = read(STDIN)
    assert ([row for _, row in good], bad) == ([row for _, row in ROWS], [])


@pytest.mark.parametrize("name", ["empty.csv", "empty.jsonl", "empty.csv.gz"])
@pytest.mark.parametrize("content", ["", BOM, "\n\n"])
def test_an_empty_file_has_no_rows(write: Write, name: str, content: str) -> None:
    assert read(write(name, content)) == ([], [])


def test_blank_lines_before_the_header_are_passed_over(write: Write) -> None:
    good, bad = read(write("a.csv", "\n\n" + CSV))
    assert (good, bad) == ([(line + 2, row) for line, row in ROWS], [])


def test_several_files_are_read_in_turn(write: Write) -> None:
    paths = [write("a.csv", CSV), write("b.jsonl", JSONL)]
    assert [(row.file, row.line) for row in read_rows(paths, UNMAPPED)] == [
        (paths[0], 2), (paths[0], 3), (paths[1], 1), (paths[1], 2),
    ]  # fmt: skip


def test_quoted_newlines_count_as_lines(write: Write) -> None:
    path = write("a.csv", 'id,title\n1,"Red\nMug ""big"", new"\n2\n\n"3\n","x\ny",z\n4,Blue\n')
    good, bad = read(path)
    assert good == [(2, {"id": "1", "title": 'Red\nMug "big", new'}), (9, {"id": "4", "title": "Blue"})]
    assert [line for line, _ in bad] == [4, 6], "a row is found where it begins"


@pytest.mark.parametrize(("row", "count"), [("1", 1), ("1,Mug,extra", 3), ("1,Mug,", 3)])
def test_too_few_and_too_many_columns(write: Write, row: str, count: int) -> None:
    good, bad = read(write("a.csv", f"id,title\n{row}\n2,Blue Mug\n"))
    assert (good, [line for line, _ in bad]) == ([(3, ROWS[1][1])], [2])
    assert bad[0][1] == f"expected 2 columns as in the header, got {count}"


def test_a_quote_that_is_never_closed_is_reported(write: Write) -> None:
    good, bad = read(write("a.csv", 'id,title\n1,Red Mug\n2,"Blue\n3,Green\n4,White\n'))
    assert good == [(2, {"id": "1", "title": "Red Mug"})], "rows 3 and 4 must not become a part of a title"
    assert [line for line, _ in bad] == [3]


@pytest.mark.parametrize(
    "line", ["{", "nonsense", "[1, 2]", '"text"', "5", "null", '{"id": "1"} {"id": "2"}', "[" * 100_000]
)
def test_a_line_without_a_json_object_is_bad(write: Write, line: str) -> None:
    good, bad = read(write("a.jsonl", f'{line}\n\n{{"id": "3"}}\n'))
    assert (good, [line for line, _ in bad]) == ([(3, {"id": "3"})], [1])


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.gz"])
def test_a_truncated_gzip_keeps_the_rows_before_its_end(tmp_path: Path, name: str) -> None:
    lines = ["id,title"] if "csv" in name else []
    for number in range(20_000):
        lines.append(f"{number},Mug {number}" if "csv" in name else f'{{"id": {number}, "title": "Mug {number}"}}')
    path = tmp_path / name
    whole = gzip.compress("\n".join(lines).encode())
    path.write_bytes(whole[: len(whole) // 2])
    good, bad = read(str(path))
    assert len(good) > 1_000
    assert all(str(row["title"]) == f"Mug {number}" for number, (_, row) in enumerate(good)), "no half row"
    assert len(bad) == 1
    assert "damaged" in bad[0][1]


@pytest.mark.parametrize("content", [b"", b"no gzip at all", gzip.compress(CSV.encode())[:-4] + b"\x00\x00\x00\x00"])
def test_a_damaged_gzip_is_a_bad_row(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(content)
    good, bad = read(str(path))
    assert len(bad) == (1 if content else 0)
    assert not good or good == ROWS


@pytest.mark.parametrize(
    ("path", "reason"),
    [("missing.csv", "got nothing"), ("folder.csv", "got a directory"), ("items.xlsx", r"ending in \.csv or \.jsonl")],
)
def test_a_file_that_cannot_be_opened_is_an_error(tmp_path: Path, path: str, reason: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InvalidInput, match=reason) as problem:
        list(read_rows([str(tmp_path / path)], UNMAPPED))
    assert path in str(problem.value)


@pytest.mark.parametrize(
    ("rename", "row", "named"),
    [
        (["id=sku"], {"sku": "1", "title": "Mug"}, {"id": "1", "title": "Mug"}),
        (["id=sku", "title=name"], {"sku": "1", "name": "Mug"}, {"id": "1", "title": "Mug"}),
        (["title=name", "description=name"], {"id": "1", "name": "Mug"},
         {"id": "1", "title": "Mug", "description": "Mug"}),
        (["id=sku"], {"id": "old", "sku": "1"}, {"id": "1"}),
        (["title=brand", "brand=title"], {"title": "Acme", "brand": "Mug"}, {"title": "Mug", "brand": "Acme"}),
        (["id=sku"], {"id": "1"}, {"id": "1"}),
        (["title=a=b"], {"id": "1", "a=b": "Mug"}, {"id": "1", "title": "Mug"}),
    ],
)  # fmt: skip
def test_map(rename: list[str], row: dict[str, Any], named: dict[str, Any]) -> None:
    assert ColumnMapping.of(ITEM_FIELDS, rename).apply(row) == named


def test_map_is_applied_to_files(write: Write) -> None:
    mapping = ColumnMapping.of(ITEM_FIELDS, ["id=sku", "title=name"])
    for path in (write("a.csv", "sku,name\n1,Mug\n"), write("a.jsonl", '{"sku": "1", "name": "Mug"}\n')):
        good, bad = read(path, mapping)
        assert ([row for _, row in good], bad) == ([{"id": "1", "title": "Mug"}], [])


@pytest.mark.parametrize("option", ["rename", "scale"])
def test_one_list_serves_both_files_of_a_replay(option: str) -> None:
    texts = ["price=2", "value=3"]
    assert ColumnMapping.of(ITEM_FIELDS, **{option: texts}, foreign=EVENT_FIELDS) == ColumnMapping.of(
        ITEM_FIELDS, **{option: texts[:1]}
    )
    assert ColumnMapping.of(EVENT_FIELDS, **{option: texts}, foreign=ITEM_FIELDS) == ColumnMapping.of(
        EVENT_FIELDS, **{option: texts[1:]}
    )


@pytest.mark.parametrize("option", ["rename", "scale"])
def test_a_field_of_neither_is_an_error(option: str) -> None:
    with pytest.raises(InvalidInput, match=r"expected one of the fields id, title, .*, got 'colour'"):
        ColumnMapping.of(ITEM_FIELDS, **{option: ["colour=5"]}, foreign=EVENT_FIELDS)
    with pytest.raises(InvalidInput, match="query"):
        ColumnMapping.of(ITEM_FIELDS, **{option: ["query=5"]})


def test_a_mapped_column_that_a_csv_lacks_is_an_error(write: Write) -> None:
    path = write("a.csv", CSV)
    with pytest.raises(InvalidInput, match=r"a\.csv: --map: expected one of the columns id, title, got id=sku"):
        read(path, ColumnMapping.of(ITEM_FIELDS, ["id=sku", "title=title"]))


@pytest.mark.parametrize("text", ["id", "id=", "=sku", ""])
def test_pairs_without_a_name_or_value_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="--map: expected field=column"):
        parse_pairs([text], "--map")


@pytest.mark.parametrize(
    ("factor", "value", "price"),
    [
        ("0.01", 255, 2.55),
        ("0.01", "255", 2.55),
        ("0.01", "7", 0.07),
        ("100", 2.55, 255.0),
        ("0.01", "", ""),
        ("2", None, None),
    ],
)
def test_scale(factor: str, value: object, price: object) -> None:
    assert ColumnMapping.of(ITEM_FIELDS, scale=[f"price={factor}"]).apply({"price": value}) == {"price": price}


def test_scale_finds_the_renamed_column() -> None:
    mapping = ColumnMapping.of(ITEM_FIELDS, ["price=cents"], ["price=0.01"])
    assert mapping.apply({"cents": "255"}) == {"price": 2.55}
    assert mapping.apply({"id": "1"}) == {"id": "1"}


@pytest.mark.parametrize("factor", ["cents", "nan", "inf", ""])
def test_a_factor_is_a_number(factor: str) -> None:
    with pytest.raises(InvalidInput, match=f"price={factor}" if factor else "price="):
        ColumnMapping.of(ITEM_FIELDS, scale=[f"price={factor}"])


@pytest.mark.parametrize("value", ['"cheap"', "true", "[1]", "1" + "0" * 400])
def test_what_cannot_be_scaled_is_a_bad_row(write: Write, value: str) -> None:
    path = write("a.jsonl", f'{{"id": 1, "price": {value}}}\n{{"id": 2, "price": 100}}\n')
    good, bad = read(path, ColumnMapping.of(ITEM_FIELDS, scale=["price=0.01"]))
    assert good == [(2, {"id": 2, "price": 1.0})]
    assert [line for line, _ in bad] == [1]
    assert bad[0][1].startswith("price: ")


def test_constants_win_over_columns() -> None:
    assert ColumnMapping.of(EVENT_FIELDS, constants={"type": "click"}).apply({"item": "1", "type": "x"}) == {
        "item": "1", "type": "click",
    }  # fmt: skip


def test_a_bad_row_shows_as_file_line_reason() -> None:
    assert str(BadRow("a.csv", 3, "price: expected …")) == "a.csv:3: price: expected …"
