"""The report of a night: what it did and found, as it lies in the ledger and on the card of its generation.

The field names are those of the JSON. A part that a night did not come to is missing there and None, or empty, here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from shelfwise.night_report_parts import (
    DriftReport,
    GateResult,
    MovedQuery,
    PrecisionReport,
    RankerReport,
    TrainingReport,
    known_entries,
    without_none,
)
from shelfwise.types import Row

__all__ = ["NightReport"]


@dataclass(slots=True)
class NightReport:
    """What a night did and found so far; it fills up as stages are done.

    `seconds` are by stage, in their order; `parent` is a generation's number; `until` (ISO 8601) and `events_seq` end
    the events of the night, `since_seq` those that the parent learned; `counts` are numbers of events, interactions and
    pairs, `removed` what each rule left out; `moved` are the queries that "gained" and "lost" most; `shelves` the
    engagement by kind; `not_trained` says why the encoder was kept; `ranker` is that of searches, `wishes` of visits.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    parent: int | None = None
    seed: int | None = None
    after_rollback: bool = False
    forced: bool = False
    until: str | None = None
    events_seq: int | None = None
    since_seq: int | None = None
    resumed: bool | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    removed: Mapping[str, int] = field(default_factory=dict)
    peak_memory_mb: int | None = None
    strategy: str | None = None
    training: TrainingReport | None = None
    precision: PrecisionReport | None = None
    verdicts: list[GateResult] = field(default_factory=list)
    moved: Mapping[str, list[MovedQuery]] | None = None
    drift: DriftReport | None = None
    shelves: list[Row] = field(default_factory=list)
    not_trained: str | None = None
    ranker: RankerReport | None = None
    wishes: RankerReport | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> NightReport:
        """Read a report; missing and null entries take their defaults, unknown ones are passed over.

        Raises AttributeError, TypeError or ValueError for what is not a report.
        """
        own = known_entries(cls, values)
        if "events_seq" in own:
            own["events_seq"] = int(own["events_seq"])
        readers: dict[str, Callable[[Mapping[str, Any]], object]] = {
            "training": TrainingReport.from_dict, "precision": PrecisionReport.from_dict,
            "drift": DriftReport.from_dict, "ranker": RankerReport.from_dict, "wishes": RankerReport.from_dict,
        }  # fmt: skip
        own |= {name: read(own[name]) if own.get(name) else None for name, read in readers.items()}
        own["verdicts"] = [GateResult.from_dict(row) for row in own.get("verdicts", ())]
        if moved := own.get("moved"):
            own["moved"] = {name: [MovedQuery.from_dict(row) for row in rows or ()] for name, rows in moved.items()}
        return cls(**own)

    def to_dict(self) -> Row:
        """Return the JSON of the report, without the parts that the night did not come to."""
        values = {part.name: getattr(self, part.name) for part in fields(self)}
        for name in ("training", "precision", "drift", "ranker", "wishes"):
            values[name] = values[name] and values[name].to_dict()
        values["verdicts"] = [result.to_dict() for result in self.verdicts]
        if self.moved is not None:
            values["moved"] = {name: [row.to_dict() for row in rows] for name, rows in self.moved.items()}
        # Where a stage was done its empty list is a result.
        is_done = {
            "verdicts": self.moved is not None,
            "shelves": self.drift is not None,
            "counts": False,
            "removed": False,
        }
        return without_none(
            {name: value if value or is_done.get(name, True) else None for name, value in values.items()}
        )
