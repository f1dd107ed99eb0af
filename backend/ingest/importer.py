"""Importing files into a shop: streamed in batches, bad rows reported and counted, good ones kept."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shelfwise.errors import InvalidInput
from shelfwise.ingest.readers import STDIN, BadRow, ColumnMapping, SourceRow, read_rows
from shelfwise.shop import Shop
from shelfwise.types import EVENT_FIELDS, Row
from shelfwise.validation import parse_event

__all__ = ["ImportCounts", "import_events", "import_items", "seekable"]

_ITEMS, _EVENTS = 500, 5_000  # rows a transaction
Report = Callable[[BadRow], object]
Progress = Callable[[int], object]


@dataclass
class ImportCounts:
    """How an import ended: rows that changed something, rows that were there already, rows rejected."""

    new: int = 0
    unchanged: int = 0
    rejected: int = 0


def import_items(
    shop: Shop, paths: Sequence[str], mapping: ColumnMapping, report: Report, progress: Progress
) -> ImportCounts:
    """Upsert the items of the files; their vectors are made as they come where the shop has an encoder."""
    done = ImportCounts()
    for batch in _batches(read_rows(paths, mapping), _ITEMS, done, report):
        answer = shop.upsert([found.row for found in batch])
        done.new += answer["upserted"]
        done.unchanged += answer["unchanged"]
        for rejected in answer["rejected"]:
            found = batch[rejected["index"]]
            done.rejected += 1
            report(BadRow(found.file, found.line, rejected["reason"]))
        progress(len(batch))
    return done


def import_events(
    shop: Shop,
    paths: Sequence[str],
    mapping: ColumnMapping,
    report: Report,
    progress: Progress,
    shift_to: float | None = None,
) -> ImportCounts:
    """Add the events of the files. An event without an id gets one from its row, so that a second import adds none.

    `shift_to` (epoch seconds) moves all events so that the last one falls there.
    """
    done = ImportCounts()
    shift = 0.0 if shift_to is None else shift_to - _last_time(paths, mapping)
    for path in paths:
        equal: Counter[bytes] = Counter()  # of one file, so that the same log twice adds nothing
        for batch in _batches(read_rows([path], mapping), _EVENTS, done, report):
            events = list(_events(shop, batch, equal, shift, done, report))
            accepted = shop.store.events.add(events)
            done.new += accepted
            done.unchanged += len(events) - accepted
            progress(len(batch))
    return done


def _events(
    shop: Shop, batch: Sequence[SourceRow], equal: Counter[bytes], shift: float, done: ImportCounts, report: Report
) -> Iterator[Row]:
    for found in batch:
        try:
            event = parse_event(found.row, shop.now())
        except InvalidInput as problem:
            done.rejected += 1
            report(BadRow(found.file, found.line, str(problem)))
            continue
        event["event_id"] = event["event_id"] or _event_id(found.row, equal)
        if found.row.get("ts") not in (None, ""):  # a row without a time happens now
            event["ts"] += shift
        yield event


@contextmanager
def seekable(paths: Sequence[str], stdin: Iterable[bytes]) -> Iterator[list[str]]:
    """The paths with `-` replaced by a copy of standard input, for what has to read its rows twice."""
    if STDIN not in paths:
        yield list(paths)
        return
    with tempfile.TemporaryDirectory() as folder:
        lines = iter(stdin)
        first = next(lines, b"")
        name = "stdin.jsonl" if first.lstrip(b"\xef\xbb\xbf \t")[:1] == b"{" else "stdin.csv"
        copy = Path(folder) / name
        with copy.open("wb") as file:
            file.write(first)
            file.writelines(lines)
        yield [str(copy) if path == STDIN else path for path in paths]


def _batches(
    rows: Iterable[SourceRow | BadRow], size: int, done: ImportCounts, report: Report
) -> Iterator[list[SourceRow]]:
    batch: list[SourceRow] = []
    for found in rows:
        if isinstance(found, BadRow):
            done.rejected += 1
            report(found)
            continue
        batch.append(found)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _event_id(row: Row, equal: Counter[bytes]) -> str:
    """A hash of the event's fields and its ordinal among the equal rows of its file."""
    fields = {name: row[name] for name in EVENT_FIELDS if row.get(name) not in (None, "")}
    text = json.dumps(fields, sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:16]
    ordinal = equal[digest]
    equal[digest] += 1
    return f"{digest.hex()}-{ordinal}"


def _last_time(paths: Sequence[str], mapping: ColumnMapping) -> float:
    """The latest `ts` of a good row; 0.0 for a log without any, where there is nothing to move."""
    last = 0.0
    for found in read_rows(paths, mapping):
        if isinstance(found, SourceRow) and found.row.get("ts"):
            try:
                last = max(last, parse_event(found.row, 0.0)["ts"])
            except InvalidInput:
                continue  # reported when the rows are read to be kept
    return last
