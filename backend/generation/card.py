"""The card of a generation: what it was made from and up to where, as it lies in `card.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["LearnedEvents", "LearnedRange"]


class LearnedRange(NamedTuple):
    """The events with ts < until (epoch seconds) and seq ≤ events_seq."""

    until: float
    events_seq: int


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
        """Read the card's entry `learned`; `strange_days` is missing where none were looked for."""
        days = values.get("strange_days", ())
        return cls(int(values["events_seq"]), float(values["until"]), tuple(values["held_out"]), tuple(days))

    def to_dict(self) -> dict[str, Any]:
        """Return the card's entry `learned`."""
        values: dict[str, Any] = {
            "events_seq": self.events_seq, "until": self.until, "held_out": list(self.held_out)
        }  # fmt: skip
        if self.events_seq or self.until:  # the base model's names no days
            values["strange_days"] = list(self.anomalous_days)
        return values
