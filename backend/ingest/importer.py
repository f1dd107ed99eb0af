"""Import files into a shop: streamed in batches, bad rows reported and counted, good ones kept."""

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

__all__ = ["ImportCounts", "ImportFiles", "import_events", "import_items", "seekable"]

_ITEM_BATCH, _EVENT_BATCH = 500, 5_000  # rows a transaction


@dataclass(frozen=True, slots=True)
class ImportFiles:
    """The files of an import (`-` is standard input), how their columns become fields, and whom to tell of its course.

    `report` is called with each bad row, `progress` with the number of good rows of each batch.
    """

    paths: Sequence[str]
    mapping: ColumnMapping
    report: Callable[[BadRow], object] = lambda row: None
    progress: Callable[[int], object] = lambda count: None


@dataclass
class ImportCounts:
    """How an import ended: rows that changed something, rows that were there already, rows rejected."""

    new: int = 0
    unchanged: int = 0
    rejected: int = 0


def import_items(shop: Shop, files: ImportFiles) -> ImportCounts:
    """Upsert the items of the files; the shop makes their vectors as they come where it has an encoder.

    Raises InvalidInput for a file that can't be opened or lacks a mapped column.
    """
    counts = ImportCounts()
    for batch in _batches(files, files.paths, _ITEM_BATCH, counts):
        answer = shop.upsert([source.row for source in batch])
        counts.new += answer["upserted"]
        counts.unchanged += answer["unchanged"]
        for rejected in answer["rejected"]:
            _reject(files, batch[rejected["index"]], rejected["reason"], counts)
        files.progress(len(batch))
    return counts


def import_events(shop: Shop, files: ImportFiles, shift_to: float | None = None) -> ImportCounts:
    """Add the events of the files. An event without an id gets one from its row, so that a second import adds none.

    `shift_to` (epoch seconds) moves all events so that the last one falls there. Raises InvalidInput for a file that
    can't be opened or lacks a mapped column.
    """
    counts = ImportCounts()
    shift = 0.0 if shift_to is None else shift_to - _last_time(files)
    for path in files.paths:
        ordinals: Counter[bytes] = Counter()  # of one file, so that the same log twice adds nothing
        for batch in _batches(files, [path], _EVENT_BATCH, counts):
            events = []
            for source in batch:
                try:
                    events.append(_event(source.row, shop.now(), shift, ordinals))
                except InvalidInput as problem:
                    _reject(files, source, str(problem), counts)
            added = shop.store.events.add(events)
            counts.new += added
            counts.unchanged += len(events) - added
            files.progress(len(batch))
    return counts


def _event(row: Row, now: float, shift: float, ordinals: Counter[bytes]) -> Row:
    """Return the event of a row, moved by `shift` seconds unless it has no time of its own. Raises InvalidInput."""
    event = parse_event(row, now)
    event["event_id"] = event["event_id"] or _event_id(row, ordinals)
    if row.get("ts") not in (None, ""):
        event["ts"] += shift
    return event


@contextmanager
def seekable(paths: Sequence[str], stdin: Iterable[bytes]) -> Iterator[list[str]]:
    """Yield the paths with `-` replaced by a copy of standard input, for what has to read its rows twice."""
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


def _batches(files: ImportFiles, paths: Sequence[str], size: int, counts: ImportCounts) -> Iterator[list[SourceRow]]:
    batch: list[SourceRow] = []
    for row in read_rows(paths, files.mapping):
        if isinstance(row, BadRow):
            _reject(files, row, row.reason, counts)
            continue
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _reject(files: ImportFiles, row: SourceRow | BadRow, reason: str, counts: ImportCounts) -> None:
    counts.rejected += 1
    files.report(BadRow(row.file, row.line, reason))


def _event_id(row: Row, ordinals: Counter[bytes]) -> str:
    """Return a hash of the event's fields and its ordinal among the equal rows of its file."""
    fields = {name: row[name] for name in EVENT_FIELDS if row.get(name) not in (None, "")}
    text = json.dumps(fields, sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:16]
    ordinal = ordinals[digest]
    ordinals[digest] += 1
    return f"{digest.hex()}-{ordinal}"


def _last_time(files: ImportFiles) -> float:
    """Return the latest `ts` of a good row in epoch seconds; 0.0 for a log without any, which is not moved."""
    last = 0.0
    for source in read_rows(files.paths, files.mapping):
        if isinstance(source, SourceRow) and source.row.get("ts"):
            try:
                last = max(last, parse_event(source.row, 0.0)["ts"])
            except InvalidInput:
                continue  # reported when the rows are imported
    return last
