"""Read rows from files: JSONL and CSV, gzipped or not, or standard input, one row at a time, with its line.

A row that can't be read is reported and the rest is read on. What the rows mean is for `importer` to say.
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

_MAX_FIELD_CHARS = 16 * 1024 * 1024  # the csv module stops at 128 Ki by default
STDIN = "-"


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row, and the file and line (from 1) where it begins."""

    file: str
    line: int
    row: Row


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was rejected: its file, its line (from 1; 0: the file ended early), and why."""

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
        """Return the mapping that options ask for.

        Args:
            fields: The fields that a row of this file may have.
            rename: `field=column` texts.
            scale: `field=factor` texts.
            constants: Fields of the same value in every row (default: none).
            foreign: Fields of another file that the same options serve: they are ignored here.

        Raises InvalidInput for a field of neither, and for a factor that is not a number.
        """
        names = parse_pairs(rename, "--map")
        factors = parse_pairs(scale, "--scale")
        for option, pairs in (("--map", names), ("--scale", factors)):
            for name in pairs:
                if name not in fields and name not in foreign:
                    raise InvalidInput.expected(option, f"one of the fields {', '.join(fields)}", name)
        return cls(
            {name: column for name, column in names.items() if name in fields},
            constants or {},
            {name: _factor(name, text) for name, text in factors.items() if name in fields},
        )

    def apply(self, row: Row) -> Row:
        """Return the row by field names; a renamed column is left out under its old name. Raises InvalidInput."""
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
    """Yield every row of the files in turn. Raises InvalidInput for a file that can't be opened or lacks a column."""
    paths = list(paths)
    for path in paths:  # all of them before the first row: a misspelt name must not leave an import half done
        if path != STDIN:
            _check(path)
    for path in paths:
        with _opened(path) as (text, is_csv):
            rows = _csv_rows(text, path, mapping) if is_csv else _json_rows(text, path)
            try:
                for row in rows:
                    yield _mapped(row, mapping) if isinstance(row, SourceRow) else row
            except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
                yield BadRow(path, 0, f"expected a whole gzip file, got one that ends early or is damaged: {problem}")


def _mapped(source: SourceRow, mapping: ColumnMapping) -> SourceRow | BadRow:
    try:
        return SourceRow(source.file, source.line, mapping.apply(source.row))
    except InvalidInput as problem:
        return BadRow(source.file, source.line, str(problem))


def parse_pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """Return `a=b` texts as a dict. Raises InvalidInput."""
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise InvalidInput.expected(option, "field=column or field=factor", text)
        pairs[name] = value
    return pairs


@contextmanager
def _opened(path: str) -> Iterator[tuple[TextIO, bool]]:
    """Yield the file as text, and whether it is CSV: by its name, and for standard input by its first character."""
    # Bytes that are not UTF-8 become lone surrogates, so that the row they are in is rejected and no other.
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
        raise InvalidInput(f"{path}: expected a name ending in .csv or .jsonl, with or without .gz", "FILE")
    if not Path(path).is_file():
        raise InvalidInput(
            f"{path}: expected a file, got {'a directory' if Path(path).is_dir() else 'nothing'}", "FILE"
        )


def _json_rows(text: TextIO, file: str) -> Iterator[SourceRow | BadRow]:
    for line, content in enumerate(text, start=1):
        if not content.strip():
            continue
        try:
            row = json.loads(content)
        except (ValueError, RecursionError) as problem:
            yield BadRow(file, line, f"expected JSON, got a syntax error: {problem}")
            continue
        if isinstance(row, dict):
            yield SourceRow(file, line, row)
        else:
            yield BadRow(file, line, f"expected a JSON object, got {type(row).__name__}")


def _csv_rows(text: TextIO, file: str, mapping: ColumnMapping) -> Iterator[SourceRow | BadRow]:
    csv.field_size_limit(_MAX_FIELD_CHARS)
    reader = csv.reader(text, strict=True)  # a quote that is never closed is an error, not the rest of the file
    try:
        header = next((cells for cells in reader if cells), None)
    except csv.Error as problem:
        raise InvalidInput(f"{file}: expected a CSV header, got a syntax error: {problem}", "FILE") from None
    if header is None:
        return
    missing = [f"{field}={column}" for field, column in mapping.rename.items() if column not in header]
    if missing:
        raise InvalidInput(
            f"{file}: --map: expected one of the columns {', '.join(header)}, got {' '.join(missing)}", "--map"
        )
    while True:
        line = reader.line_num + 1  # where the row begins; quoted fields may span lines
        try:
            cells = next(reader, None)
        except csv.Error as problem:
            yield BadRow(file, line, f"expected CSV, got a syntax error: {problem}")
            continue
        if cells is None:
            return
        if len(cells) == len(header):
            yield SourceRow(file, line, dict(zip(header, cells, strict=True)))
        elif cells:
            yield BadRow(file, line, f"expected {len(header)} columns as in the header, got {len(cells)}")


def _factor(field: str, text: str) -> float:
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not math.isfinite(factor):
        raise InvalidInput(f"--scale {field}={text}: expected a finite number, got {text!r}", "--scale")
    return factor


def _scaled(field: str, value: object, factor: float) -> float:
    try:
        if isinstance(value, bool):
            raise TypeError
        return round(float(value) * factor, 6)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise InvalidInput.expected(field, "a number", value) from None
