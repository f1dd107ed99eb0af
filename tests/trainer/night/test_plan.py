"""The plan: a killed night is carried on as it was, and a budget leaves time to judge and publish."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from shelfwise.errors import InvalidInput
from shelfwise.night_report import NightReport
from shelfwise.night_report_parts import TrainingReport
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.spam_filters import SpamLimits
from shelfwise.trainer.encoder.hyperparameters import TrainingConfig
from shelfwise.trainer.encoder.pairs import MAX_PAIRS
from shelfwise.trainer.night.plan import Budget, Options, Plan, make_plan

NOW, LATER = 1000.0, 2000.0
A_DAY_LATER = NOW + DAY


@pytest.mark.parametrize(("until", "expected"), [(None, Plan(3, NOW, 50, NOW)), (700.0, Plan(3, 700.0, 50, NOW))])
def test_a_new_plan_is_kept_beside_the_work(tmp_path: Path, until: float | None, expected: Plan) -> None:
    work = tmp_path / "shop" / "work"
    assert make_plan(work, 3, until, NOW, 50) == expected
    assert [path.name for path in work.iterdir()] == ["night.json"], "and nothing unfinished"


@pytest.mark.parametrize(
    ("parent", "until", "expected"),
    [
        (3, None, Plan(3, NOW, 50, NOW, resumed=True)),
        (3, NOW, Plan(3, NOW, 50, NOW, resumed=True)),
        (3, 1500.0, Plan(3, 1500.0, 90, LATER)),
        (4, None, Plan(4, LATER, 90, LATER)),
        (2, NOW, Plan(2, NOW, 90, LATER)),
    ],
)
def test_a_killed_night_is_carried_on_if_it_is_the_same(
    tmp_path: Path, parent: int, until: float | None, expected: Plan
) -> None:
    make_plan(tmp_path, 3, None, NOW, 50)
    assert make_plan(tmp_path, parent, until, LATER, 90) == expected
    again = make_plan(tmp_path, parent, until, 3000.0, 99)
    assert again == replace(expected, resumed=True), "killed once more"


def test_a_plan_is_taken_up_within_a_day_and_then_no_more(tmp_path: Path) -> None:
    made = make_plan(tmp_path, 3, None, NOW, 50)
    assert make_plan(tmp_path, 3, None, A_DAY_LATER - 1, 90) == replace(made, resumed=True)
    assert make_plan(tmp_path, 3, None, A_DAY_LATER, 90) == Plan(3, A_DAY_LATER, 90, A_DAY_LATER)
    assert make_plan(tmp_path, 3, NOW, A_DAY_LATER + DAY, 95).resumed is False, "though the same until is asked for"


def test_a_plan_of_before_they_said_when_is_too_old(tmp_path: Path) -> None:
    (tmp_path / "night.json").write_text('{"parent": 3, "until": 1.0, "events_seq": 5}')
    now = 1_320_000_000.0
    assert make_plan(tmp_path, 3, None, now, 50) == Plan(3, now, 50, now)


@pytest.mark.parametrize(
    "left",
    ["", "{", "null", "[3, 1000.0, 50]", '{"parent": 3}', '{"parent": 3, "until": 1.0, "events_seq": 5, "more": 1}'],
)
def test_a_damaged_plan_is_no_plan(tmp_path: Path, left: str) -> None:
    (tmp_path / "night.json").write_text(left)
    assert make_plan(tmp_path, 3, None, NOW, 50) == Plan(3, NOW, 50, NOW)
    assert json.loads((tmp_path / "night.json").read_text())["until"] == NOW


def test_make_plan_before_the_last_night_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="after the last night's"):
        make_plan(tmp_path / "work", 3, 900.0, LATER, 50, since=NOW)
    assert not (tmp_path / "work").exists()
    make_plan(tmp_path, 3, NOW, NOW, 50, since=NOW)
    for until, now in ((900.0, LATER), (999.0, NOW)):
        with pytest.raises(InvalidInput):
            make_plan(tmp_path, 3, until, now, 90, since=NOW)
    assert make_plan(tmp_path, 3, None, LATER, 90, since=NOW) == Plan(3, NOW, 50, NOW, resumed=True)


def test_the_defaults_are_a_plain_night() -> None:
    assert Options() == Options(True, False, None, None, TrainingConfig(), SpamLimits())


# ---- budget -------------------------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock of plan.py: its only element."""
    now = [500.0]
    monkeypatch.setattr("shelfwise.trainer.night.plan.time.monotonic", lambda: now[0])
    return now


SPENT = {"collect": 9.0, "train": 10.0, "export": 2.0, "encode": 3.0, "judge": 4.0, "drift": 0.5, "publish": 0.5}


def report(**training: int) -> NightReport:
    return NightReport(seconds=SPENT, training=TrainingReport({"batch_size": 26}, **training))  # type: ignore[arg-type]


LAST = report(steps=50)


def test_without_a_budget_a_night_takes_its_time(clock: list[float]) -> None:
    budget = Budget(None, 1000, LAST)
    assert (budget.deadline, budget.max_pairs()) == (None, MAX_PAIRS)


@pytest.mark.parametrize(
    ("seconds", "last", "deadline", "pairs"),
    [
        (60.0, LAST, 547.0, 4700),  # 60 - 1.3 × 10 s for the other stages; 47 s × 130 pairs a second / 1.3
        (20.0, LAST, 507.0, 700),
        (13.0, LAST, 500.0, 0),
        (1.0, LAST, 488.0, 0),
        (9999.0, LAST, 10_486.0, MAX_PAIRS),
        # Half of the steps were done before it was killed: the seconds are those of the other half.
        (60.0, report(steps=50, resumed_at_step=25), 547.0, 2350),
        # Nothing left to do when it was taken up again: no measure of this machine.
        (60.0, report(steps=50, resumed_at_step=50), 547.0, 1446),
        (60.0, None, 521.0, 646),  # nothing measured yet: 1.3 × (20 s + 1000 items / 100 a second), 40 pairs a second
        (60.0, NightReport(seconds={"publish": 1.0}), 521.0, 646),  # the last night did not train
    ],
)
def test_a_budget_leaves_time_to_judge_and_publish(
    clock: list[float], seconds: float, last: NightReport | None, deadline: float, pairs: int
) -> None:
    budget = Budget(seconds, 1000, last)
    assert budget.deadline == pytest.approx(deadline)
    assert budget.max_pairs() == pytest.approx(pairs, abs=1)


def test_what_was_spent_before_training_is_gone(clock: list[float]) -> None:
    budget = Budget(60.0, 1000, LAST)
    before = budget.max_pairs()
    clock[0] += 23.5
    assert budget.deadline == 547.0
    assert budget.max_pairs() == pytest.approx(before / 2, abs=1)
