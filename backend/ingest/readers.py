"""Reading rows from files: JSONL and CSV, gzipped or not, or standard input, one row at a time, with its line.

A row that can't be read is reported and the rest is read on. What the rows mean is not this file's business.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from shelfwise.errors import InvalidInput
from shelfwise.types import Row

__all__ = ["BadRow", "ColumnMapping", "SourceRow", "parse_pairs", "read_rows"]

_LONGEST_FIELD = 16 * 1024 * 1024  # characters; the csv module stops at 128 Ki by default
STDIN = "-"


@dataclass(frozen=True, slots=True)
class SourceRow:
    file: str
    line: int
    row: Row


@dataclass(frozen=True, slots=True)
class BadRow:
    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


@dataclass(frozen=True)
class ColumnMapping:
    """How rows are read: `rename` (field → column), `constants` (field → value), `scale` (field → factor)."""

    rename: Mapping[str, str]
    constants: Mapping[str, Any]
    scale: Mapping[str, float]

    @classmethod
    def of(
        cls,
        fields: Sequence[str],
        rename: Iterable[str] = (),
        scale: Iterable[str] = (),
        constants: Mapping[str, Any] | None = None,
        foreign: Sequence[str] = (),
    ) -> ColumnMapping:
        """From `field=column` and `field=factor` texts; `foreign` fields are passed over, others raise InvalidInput."""
        names = parse_pairs(rename, "--map")
        factors = parse_pairs(scale, "--scale")
        for option, given in (("--map", names), ("--scale", factors)):
            for name in given:
                if name not in fields and name not in foreign:
                    raise InvalidInput(f"{option} {name}=…: no such field; there are {', '.join(fields)}", option)
        return cls(
            {name: column for name, column in names.items() if name in fields},
            constants or {},
            {name: _factor(name, text) for name, text in factors.items() if name in fields},
        )

    def apply(self, row: Row) -> Row:
        """The row under the contract's names. Columns that were given another name don't stay under the old one."""
        if not (self.rename or self.constants or self.scale):
            return row
        named = {field: row[column] for field, column in self.rename.items() if column in row}
        used = set(self.rename.values())
        result: Row = {column: value for column, value in row.items() if column not in used}
        result |= named | dict(self.constants)
        for field, factor in self.scale.items():
            if (value := result.get(field)) not in (None, ""):
                result[field] = _scaled(field, value, factor)
        return result


def read_rows(paths: Iterable[str], mapping: ColumnMapping) -> Iterator[SourceRow | BadRow]:
    """Every row of the files in turn. Raises InvalidInput when a file can't be opened or lacks a mapped column."""
    paths = list(paths)
    for path in paths:  # all of them first: a misspelt name must not leave an import half done
        if path != STDIN:
            _check(path)
    for path in paths:
        with _opened(path) as (text, is_csv):
            rows = _csv_rows(text, path, mapping) if is_csv else _json_rows(text, path)
            try:
                for found in rows:
                    if isinstance(found, SourceRow):
                        try:
                            found = SourceRow(found.file, found.line, mapping.apply(found.row))
                        except InvalidInput as problem:
                            found = BadRow(found.file, found.line, str(problem))
                    yield found
            except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
                yield BadRow(path, 0, f"the file ends early or is damaged: {problem}")


def parse_pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """`a=b` texts as a dict. Raises InvalidInput."""
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise InvalidInput(f"{option} {text!r}: write it as field=column", option)
        pairs[name] = value
    return pairs


@contextmanager
def _opened(path: str) -> Iterator[tuple[TextIO, bool]]:
    """The file as text, and whether it is CSV: by its name, and for standard input by its first character."""
    # Bytes that are no UTF-8 become lone surrogates, so that the row they are in is rejected and no other.
    options: dict[str, Any] = {"encoding": "utf-8-sig", "errors": "surrogateescape", "newline": ""}
    if path == STDIN:
        buffer: Any = sys.stdin.buffer
        first = buffer.peek(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        yield io.TextIOWrapper(buffer, **options), first not in (b"{", b"[")
        return
    try:
        opener = gzip.open if path.endswith(".gz") else open
        file = opener(path, "rt", **options)
    except OSError as problem:
        raise InvalidInput(f"{path}: {problem.strerror or problem}", "FILE") from None
    with file:
        yield file, path.removesuffix(".gz").lower().endswith(".csv")


def _check(path: str) -> None:
    if not path.removesuffix(".gz").lower().endswith((".csv", ".jsonl", ".ndjson", ".json")):
        raise InvalidInput(f"{path}: neither .csv nor .jsonl (nor either with .gz)", "FILE")
    if not Path(path).is_file():
        raise InvalidInput(f"{path}: {'is a directory' if Path(path).is_dir() else 'No such file'}", "FILE")


def _json_rows(text: TextIO, file: str) -> Iterator[SourceRow | BadRow]:
    for line, content in enumerate(text, start=1):
        if not content.strip():
            continue
        try:
            row = json.loads(content)
        except (ValueError, RecursionError) as problem:
            yield BadRow(file, line, f"no JSON: {problem}")
            continue
        yield SourceRow(file, line, row) if isinstance(row, dict) else BadRow(file, line, "no JSON object")


def _csv_rows(text: TextIO, file: str, mapping: ColumnMapping) -> Iterator[SourceRow | BadRow]:
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(text, strict=True)  # a quote that is never closed is an error, not the rest of the file
    try:
        header = next((cells for cells in reader if cells), None)
    except csv.Error as problem:
        raise InvalidInput(f"{file}: its header is no CSV: {problem}", "FILE") from None
    if header is None:
        return
    missing = [f"{field}={column}" for field, column in mapping.rename.items() if column not in header]
    if missing:
        raise InvalidInput(f"{file}: --map {' '.join(missing)}: no such column; there are {', '.join(header)}", "--map")
    while True:
        line = reader.line_num + 1  # where the row begins; quoted fields may span lines
        try:
            cells = next(reader, None)
        except csv.Error as problem:
            yield BadRow(file, line, f"no CSV: {problem}")
            continue
        if cells is None:
            return
        if len(cells) == len(header):
            yield SourceRow(file, line, dict(zip(header, cells, strict=True)))
        elif cells:
            yield BadRow(file, line, f"{len(cells)} columns, the header has {len(header)}")


def _factor(field: str, text: str) -> float:
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not math.isfinite(factor):
        raise InvalidInput(f"--scale {field}={text}: {text!r} is no number", "--scale")
    return factor


def _scaled(field: str, value: object, factor: float) -> float:
    try:
        if isinstance(value, bool):
            raise TypeError
        return round(float(value) * factor, 6)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise InvalidInput(f"{field}: {value!r} is no number", field) from None
