"""The card of a generation, `card.json`: what it was made from, up to where, and the hash of each of its files."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from shelfwise.night_report import NightReport
from shelfwise.types import Row

__all__ = ["ALL_EVENTS", "FORMAT", "GenerationCard", "LearnedEvents", "LearnedRange"]

FORMAT = 1

Entry = TypeVar("Entry")
_log = logging.getLogger(__name__)


class LearnedRange(NamedTuple):
    """The events with ts < until (epoch seconds) and seq ≤ events_seq."""

    until: float
    events_seq: int

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LearnedRange:
        """Read the entry `together` or `ranked`; unknown names are passed over."""
        return cls(float(values["until"]), int(values["events_seq"]))


ALL_EVENTS = LearnedRange(float("inf"), 2**63 - 1)


@dataclass(frozen=True, slots=True)
class LearnedEvents:
    """The events that an encoder learned from: ts < until (epoch seconds), seq ≤ events_seq, and not held out.

    `held_out` are the `seq` of events before that which it did not learn, `anomalous_days` the days (since 1970) of
    searches that it left out. The default is what the base model learned: nothing.
    """

    events_seq: int = 0
    until: float = 0.0
    held_out: tuple[int, ...] = ()
    anomalous_days: tuple[int, ...] = ()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LearnedEvents:
        """Read the entry `learned`; `strange_days` is missing where none were looked for."""
        days = values.get("strange_days", ())
        return cls(int(values["events_seq"]), float(values["until"]), tuple(values["held_out"]), tuple(days))

    def to_dict(self) -> Row:
        """Return the entry `learned`."""
        values: Row = {"events_seq": self.events_seq, "until": self.until, "held_out": list(self.held_out)}
        is_base_model = not (self.events_seq or self.until)  # it names no days
        return values if is_base_model else values | {"strange_days": list(self.anomalous_days)}


@dataclass(frozen=True, slots=True)
class GenerationCard:
    """What a generation was made from.

    `until` (epoch seconds) ends the events that it counted, `learned` those that its encoder learned from, `ranked`
    those that its rankers did; `linked` is up to where its item links are counted. `items_seq` is the last change of
    the catalogue that its index holds, `encoder` the encoder's id, `base` the base model's name, `noise` the cosine of
    a meaningless query's nearest item. `night` is its row in the ledger, with the verdict and the report; `manifest`
    maps each file to its SHA-256. The registry sets number, parent and manifest when it publishes. `is_complete` is
    False where `learned`, `until` or `report` could not be read: it may hold any event.
    """

    learned: LearnedEvents = LearnedEvents()
    until: float = 0.0
    items_seq: int = 0
    encoder: str = ""
    base: str | None = None
    noise: float = 0.0
    verdict: str = "published"
    linked: LearnedRange | None = None
    ranked: LearnedRange | None = None
    night: int | None = None
    report: NightReport | None = None
    number: int = -1
    parent: int | None = None
    manifest: Mapping[str, str] = field(default_factory=dict)
    is_complete: bool = True

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> GenerationCard:
        """Read a card of this format; early ones lack `noise`, `ranked`, `together` and, of generation 0, the report.

        What serving can do without takes its default where it is missing or malformed. Raises KeyError, TypeError or
        ValueError without `items_seq`, `generation`, `parent` and `manifest`.
        """
        learned, until = _read(values, "learned", LearnedEvents.from_dict), _read(values, "until", float)
        report = _read(values, "report", NightReport.from_dict)
        return cls(
            learned or LearnedEvents(),
            until or 0.0,
            int(values["items_seq"]),
            values.get("encoder") or "",
            values.get("base"),
            float(values.get("noise", 0.0)),
            values.get("verdict", "published"),
            _read(values, "together", LearnedRange.from_dict),
            _read(values, "ranked", LearnedRange.from_dict),
            values.get("night"),
            report,
            int(values["generation"]),
            values["parent"],
            dict(values["manifest"]),
            learned is not None and until is not None and (report is not None or not values.get("report")),
        )

    def to_dict(self) -> Row:
        """Return the JSON of the card."""
        values: Row = {
            "format": FORMAT,
            "generation": self.number,
            "parent": self.parent,
            "learned": self.learned.to_dict(),
            "until": self.until
            if self.is_complete
            else None,  # so that a card made from this one isn't complete either
            "together": self.linked and self.linked._asdict(),
            "ranked": self.ranked and self.ranked._asdict(),
            "noise": self.noise,
            "items_seq": self.items_seq,
            "encoder": self.encoder,
            "base": self.base,
            "night": self.night,
            "verdict": self.verdict,
            "report": self.report and self.report.to_dict(),
            "manifest": dict(self.manifest),
        }
        return {name: value for name, value in values.items() if value is not None or name == "parent"}

    @property
    def event_range(self) -> LearnedRange:
        """Return the range of every event in the generation: learned, held out or counted, by it or its ancestors.

        A night never goes back in time, and counts all events before its `until`, those that it holds out too. A card
        that does not say up to which `seq` its statistics go may have counted all.
        """
        if not self.is_complete:
            return ALL_EVENTS
        counted_seq = self.report.events_seq if self.report else None
        last_seq = ALL_EVENTS.events_seq if counted_seq is None else max(counted_seq, self.learned.events_seq)
        return LearnedRange(max(self.learned.until, self.until), last_seq)

    @property
    def links_range(self) -> LearnedRange:
        """Return up to where item links are counted; a card that does not say so counted what its night read."""
        counted_seq = self.report.events_seq if self.report else None
        return self.linked or LearnedRange(self.until, counted_seq or 0)

    @property
    def ranked_until(self) -> float:
        """Return the end (epoch seconds) of the events that the rankers learned from."""
        return self.ranked.until if self.ranked else self.until


def _read(values: Mapping[str, Any], name: str, read: Callable[[Any], Entry]) -> Entry | None:
    """Return an entry, None where it is missing, empty or malformed, which is logged."""
    if values.get(name) in (None, {}):
        return None
    try:
        return read(values[name])
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as problem:
        _log.warning("generation %s: could not read %s of its card: %r", values.get("generation"), name, problem)
        return None
