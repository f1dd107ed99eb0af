"""What a night is asked to do, and within which time; and how a killed one is taken up where it was.

The plan of a running night lies in `work/night.json` beside its checkpoints. A night that finds the plan of a killed
one on the same parent carries it out: the same events, the same pairs, the same seed, and so the same verdict.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from shelfwise.errors import InvalidInput
from shelfwise.files import write_atomically
from shelfwise.night_report import NightReport
from shelfwise.timestamps import DAY, to_iso
from shelfwise.trainer.data.spam_filters import SpamLimits
from shelfwise.trainer.encoder.hyperparameters import TrainingConfig
from shelfwise.trainer.encoder.pairs import MAX_PAIRS

__all__ = ["Budget", "Options", "Plan", "make_plan"]

_PLAN = "night.json"
_FRESH = DAY  # a plan that was left longer ago is not worth taking up: what came since would wait
# Before a night has measured them on this machine: a careful guess for two slow cores.
_PAIRS_A_SECOND, _ITEMS_A_SECOND, _FIXED_SECONDS = 40.0, 100.0, 20.0
_AFTER = ("export", "encode", "judge", "drift", "remember", "rank", "publish")
_MARGIN = 1.3  # the time to judge and publish is never cut, so it is reckoned generously


@dataclass(frozen=True, slots=True)
class Options:
    """How a night is run. `learn_pairs=False` only counts; `budget` in seconds; `force` publishes a worse encoder."""

    learn_pairs: bool = True
    force: bool = False
    budget: float | None = None
    tensorboard: Path | None = None
    config: TrainingConfig = field(default_factory=TrainingConfig)
    limits: SpamLimits = field(default_factory=SpamLimits)


@dataclass(frozen=True, slots=True)
class Plan:
    """Learn the events before `until` (epoch seconds) and up to `events_seq`, from the generation `parent`."""

    parent: int
    until: float
    events_seq: int
    made: float = 0.0  # when, by the shop's clock
    resumed: bool = False


def make_plan(work: Path, parent: int, until: float | None, now: float, events_seq: int, *, since: float = 0.0) -> Plan:
    """The plan of a night killed within the last day, on the same parent and with the same `until` if one is asked for.

    Else a new one.

    Raises InvalidInput when a new one would end before `since`, the end of the parent's night; nothing is written then.
    """
    path = work / _PLAN
    try:
        left = Plan(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        left = None
    if left is not None and left.parent == parent and until in (None, left.until) and now - left.made < _FRESH:
        return replace(left, resumed=True)
    plan = Plan(parent, now if until is None else until, events_seq, now)
    if plan.until < since:
        raise InvalidInput(
            f"until: lies before the last night's, {to_iso(since)};"
            " if that was a mistake, run `shelfwise rollback` first",
            "until",
        )
    work.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda unfinished: unfinished.write_text(json.dumps(asdict(plan))))
    return plan


class Budget:
    """How many pairs a night may train on and until when, so that there is time left to judge and publish.

    `last` is the report of the parent's night, if it had one: what a pair and the other stages took on this machine.
    """

    def __init__(self, seconds: float | None, items: int, last: NightReport | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        spent = last.seconds if last else {}
        self._rate = _PAIRS_A_SECOND
        if last and last.training and last.training.trained_pairs > 0 and spent.get("train"):
            self._rate = last.training.trained_pairs / spent["train"]
        after = sum(spent.get(stage, 0.0) for stage in _AFTER)
        self._reserve = _MARGIN * (after if "train" in spent else _FIXED_SECONDS + items / _ITEMS_A_SECOND)

    @property
    def deadline(self) -> float | None:
        """When training has to end, on the monotonic clock."""
        return None if self._end is None else self._end - self._reserve

    def most_pairs(self) -> int:
        if self.deadline is None:
            return MAX_PAIRS
        return max(0, min(MAX_PAIRS, int((self.deadline - time.monotonic()) * self._rate / _MARGIN)))
