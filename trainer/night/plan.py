"""What a night is to do, and within which time; how a killed one is resumed.

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
_MAX_AGE_SECONDS = DAY  # an older plan is not resumed: what came since would wait
# Before a night has measured them on this machine: a careful guess for two slow cores.
_PAIRS_A_SECOND, _ITEMS_A_SECOND, _FIXED_SECONDS = 40.0, 100.0, 20.0
_STAGES_AFTER_TRAINING = ("export", "encode", "judge", "drift", "remember", "rank", "publish")
_MARGIN = 1.3  # the time to judge and publish is never cut, so it is estimated generously


@dataclass(frozen=True, slots=True)
class Options:
    """How a night is run, as `increment` describes it."""

    learn_pairs: bool = True
    force: bool = False
    budget: float | None = None
    tensorboard: Path | None = None
    config: TrainingConfig = field(default_factory=TrainingConfig)
    limits: SpamLimits = field(default_factory=SpamLimits)


@dataclass(frozen=True, slots=True)
class Plan:
    """Learn the events before `until` and up to `events_seq`, from the generation `parent`.

    `until` and `made`, when the plan was made, are in epoch seconds of the shop's clock.
    """

    parent: int
    until: float
    events_seq: int
    made: float = 0.0
    resumed: bool = False


def make_plan(work: Path, parent: int, until: float | None, now: float, events_seq: int, *, since: float = 0.0) -> Plan:
    """Return the plan of a night killed within the last day, on the same parent and with the same end; else a new one.

    Raises InvalidInput when a new one would end before the parent's night; nothing is written then.

    Args:
        work: The folder of the plan.
        parent: The generation to learn from.
        until: The end of the events (epoch seconds); None for now, or for the end of the killed night.
        now: By the shop's clock (epoch seconds).
        events_seq: The last event there is.
        since: The end of the parent's night (epoch seconds).
    """
    path = work / _PLAN
    try:
        left = Plan(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        left = None
    is_same = left is not None and left.parent == parent and until in (None, left.until)
    if left is not None and is_same and now - left.made < _MAX_AGE_SECONDS:
        return replace(left, resumed=True)
    plan = Plan(parent, now if until is None else until, events_seq, now)
    if plan.until < since:
        raise InvalidInput(
            f"until: expected a time after the last night's, {to_iso(since)}, got {to_iso(plan.until)};"
            " if the last night was a mistake, run `shelfwise rollback` first",
            "until",
        )
    work.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda unfinished: unfinished.write_text(json.dumps(asdict(plan))))
    return plan


class Budget:
    """Until when a night may train, and on how many pairs, so that there is time left to judge and publish.

    `last` is the report of the parent's night, if it had one: what a pair and the other stages took on this machine.
    """

    def __init__(self, seconds: float | None, items: int, last: NightReport | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        spent = last.seconds if last else {}
        self._rate = _PAIRS_A_SECOND
        if last and last.training and last.training.trained_pairs > 0 and spent.get("train"):
            self._rate = last.training.trained_pairs / spent["train"]
        after = sum(spent.get(stage, 0.0) for stage in _STAGES_AFTER_TRAINING)
        self._reserve = _MARGIN * (after if "train" in spent else _FIXED_SECONDS + items / _ITEMS_A_SECOND)

    @property
    def deadline(self) -> float | None:
        """Return when training has to end, on the monotonic clock; None without a budget."""
        return None if self._end is None else self._end - self._reserve

    def max_pairs(self) -> int:
        """Return how many pairs there is time to train on."""
        if self.deadline is None:
            return MAX_PAIRS
        return max(0, min(MAX_PAIRS, int((self.deadline - time.monotonic()) * self._rate / _MARGIN)))
