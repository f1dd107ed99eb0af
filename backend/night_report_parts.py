"""The parts of a night's report, each with its JSON: training, evaluation, drift and rankers.

The field names are those of the JSON. A figure that was not a finite number is null there and NaN here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from shelfwise.types import Row

__all__ = [
    "ClickThrough", "DriftReport", "GateResult", "MovedQuery", "PrecisionReport", "RankerReport", "TrainingReport",
    "known_entries", "without_none",
]  # fmt: skip

_NAN = math.nan
Setting = bool | int | float | str | None


class _Part:
    """A part of the report whose entries are its fields; null and missing ones take their defaults."""

    __slots__ = ()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read the part, unknown entries are passed over."""
        return cls(**known_entries(cls, values))

    def to_dict(self) -> Row:
        """Return the JSON of the part, without what is None."""
        return without_none(asdict(self))  # type: ignore[call-overload]


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """How a training of the encoder went.

    `settings` are those of the training's configuration, `losses` the mean of each logged run of steps, `dev` [step,
    nDCG@10] of each look while it trained; `stopped` is "early", "budget", or None where it took all its steps.
    """

    settings: Mapping[str, Setting]
    seed: int | None = None
    ranks: int | None = None
    pairs: int | None = None
    steps: int = 0
    losses: list[float] = field(default_factory=list)
    dev: list[list[float]] = field(default_factory=list)
    stopped: str | None = None
    resumed_at_step: int | None = None

    @property
    def trained_pairs(self) -> int:
        """Return how many pairs were trained on since the training was resumed, if it was."""
        return (self.steps - (self.resumed_at_step or 0)) * int(self.settings.get("batch_size") or 0)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainingReport:
        """Read the entry `training`; an unknown name is a setting."""
        own = known_entries(cls, values)
        own["losses"], own["dev"] = _numbers(own.get("losses")), [_numbers(look) for look in own.get("dev", ())]
        names = {part.name for part in fields(cls)}
        return cls({name: value for name, value in values.items() if name not in names}, **own)

    def to_dict(self) -> Row:
        """Return the entry `training`."""
        own = {part.name: getattr(self, part.name) for part in fields(self)[1:]}
        return {**self.settings, **{name: own[name] for name in own if name == "stopped" or own[name] is not None}}


@dataclass(frozen=True, slots=True)
class PrecisionReport(_Part):
    """The precision that the encoder is `served` in ("int8" or "fp32"), and what int8 would lose against `exact`.

    `exact` is the mean nDCG@10 of the trained weights over the `questions`, `lost` the mean difference and `low` the
    lower end of its 90 % interval. All are None where there was nothing to compare.
    """

    exact: float | None = None
    served: str = ""
    lost: float | None = None
    low: float | None = None
    questions: int | None = None
    too_coarse: bool | None = None


@dataclass(frozen=True, slots=True)
class GateResult(_Part):
    """Mean nDCG@10 of parent and candidate on one evaluation set, and the 95 % interval of candidate - parent, paired.

    `metrics`: hr, map and ndcg at 10, recall at 50, auc → [parent, candidate]; `strata`: kind → [questions, parent,
    candidate]. `reason` says why it did not pass. `exam` and `child` are the report's names for set and candidate.
    """

    exam: str = ""
    questions: int = 0
    parent: float = _NAN
    child: float = _NAN
    low: float = _NAN
    high: float = _NAN
    passed: bool = False
    reason: str = ""
    tolerance: float = 0.0
    metrics: Mapping[str, list[float]] = field(default_factory=dict)
    strata: Mapping[str, list[float]] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> GateResult:
        """Read one of the entry `verdicts`."""
        own = known_entries(cls, values)
        for table in ("metrics", "strata"):
            own[table] = {name: _numbers(row) for name, row in own.get(table, {}).items()}
        return cls(**own)

    def to_dict(self) -> Row:
        """Return one of the entry `verdicts`, its figures rounded to four decimals."""
        rounded: Row = _rounded(asdict(self))
        return rounded

    def __str__(self) -> str:
        if not self.questions:
            return f"{self.exam}: {self.reason}"
        return (
            f"{self.exam}: nDCG@10 {self.parent:.3f} → {self.child:.3f} over {self.questions} questions"
            f" (difference {self.low:+.3f}..{self.high:+.3f}{'; ' if self.reason else ''}{self.reason})"
        )


@dataclass(frozen=True, slots=True)
class MovedQuery(_Part):
    """A search and the reciprocal rank of its chosen item with the parent and with the candidate, 0 beyond rank 10.

    `title` is the item's, which early reports have.
    """

    query: str = ""
    item: str = ""
    before: float = _NAN
    after: float = _NAN
    title: str | None = None


@dataclass(frozen=True, slots=True)
class ClickThrough(_Part):
    """Yesterday's click-through rate, that of the days before, and the limit below which it warns."""

    yesterday: float = _NAN
    before: float = _NAN
    spread: float = _NAN
    limit: float | None = None
    shown: int = 0
    days: int = 0


@dataclass(frozen=True, slots=True)
class DriftReport(_Part):
    """How much the world moved since the parent learned; None where it could not be measured (evaluation/drift.py)."""

    query_psi: float | None = None
    unseen_queries: float | None = None
    unseen_before: float | None = None
    new_items: float | None = None
    new_items_before: float | None = None
    embedding_shift: float | None = None
    catalogue_shift: float | None = None
    ctr: ClickThrough | None = None
    recommendation_ctr: ClickThrough | None = None
    limits: Mapping[str, float] | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DriftReport:
        """Read the entry `drift`."""
        own = known_entries(cls, values)
        return cls(
            **own | {name: ClickThrough.from_dict(own[name]) for name in ("ctr", "recommendation_ctr") if name in own}
        )


@dataclass(frozen=True, slots=True)
class RankerReport(_Part):
    """nDCG@10 of a ranker on the newest searches or visits beside that of the plain blend.

    `low` and `high` are the ends of the 95 % interval of the difference. `kind` is "trees", "weights" or "blend", that
    is nothing learned.
    """

    kind: str = ""
    searches: int = 0
    blend: float = 0.0
    learned: float = 0.0
    low: float = 0.0
    high: float = 0.0


def known_entries(cls: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries that the dataclass has a field for, without null ones."""
    names = {part.name for part in fields(cls)}
    return {name: value for name, value in values.items() if name in names and value is not None}


def without_none(values: Row) -> Row:
    """Return the entries that are not null."""
    return {name: value for name, value in values.items() if value is not None}


def _numbers(values: Iterable[float | None] | None) -> list[float]:
    return [_NAN if value is None else value for value in values or ()]


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return round(value, 4) if isinstance(value, float) else value
