"""The ledger: one row a night, however it ended."""

from __future__ import annotations

import pytest

from shelfwise.errors import NotFound
from shelfwise.night_report import NightReport
from shelfwise.night_report_parts import GateResult, TrainingReport
from shelfwise.store import Store

NOW = 1_320_000_000.0


def test_get_returns_the_whole_night(store: Store) -> None:
    number = store.ledger.begin(NOW, 3)
    assert store.ledger.get(number) == {
        "night": 1, "verdict": "running", "reason": None, "parent": 3, "generation": None,
        "started": "2011-10-30T18:40:00.000Z", "finished": None, "report": {},
    }  # fmt: skip
    store.ledger.end(number, NOW + 60, "published", "better", 4, NightReport(seconds={"train": 1.5}))
    night = store.ledger.get(number)
    assert (night["verdict"], night["reason"], night["generation"]) == ("published", "better", 4)
    assert (night["finished"], night["report"]["seconds"]) == ("2011-10-30T18:41:00.000Z", {"train": 1.5})


def test_begin_marks_running_nights_as_killed(store: Store) -> None:
    ended, killed = store.ledger.begin(NOW, None), store.ledger.begin(NOW, None)
    assert store.ledger.get(ended)["verdict"] == "killed"
    store.ledger.end(killed, NOW, "refused", "worse", 0, NightReport())
    running = store.ledger.begin(NOW, 0)
    assert [(row["night"], row["verdict"]) for row in store.ledger.latest(10)] == [
        (running, "running"), (killed, "refused"), (ended, "killed"),
    ]  # fmt: skip
    assert "ended before" in store.ledger.latest(10)[2]["reason"]


def test_latest_is_newest_first_without_reports(store: Store) -> None:
    for _ in range(5):
        store.ledger.end(store.ledger.begin(NOW, None), NOW, "published", "", 0, NightReport())
    assert [row["night"] for row in store.ledger.latest(3)] == [5, 4, 3]
    assert all("report" not in row for row in store.ledger.latest(3))


def test_get_of_an_unknown_night_raises(store: Store) -> None:
    with pytest.raises(NotFound, match=r"^night: expected one that .shelfwise nights. lists, got 7$"):
        store.ledger.get(7)


def test_note_is_kept_by_a_killed_night(store: Store) -> None:
    killed = store.ledger.begin(NOW, 3)
    store.ledger.note(killed, NightReport(seconds={"collect": 0.1}))
    store.ledger.note(killed, NightReport(seconds={"collect": 0.1, "train": 2.0}))
    store.ledger.begin(NOW, 3)
    night = store.ledger.get(killed)
    assert (night["verdict"], night["report"]["seconds"]) == ("killed", {"collect": 0.1, "train": 2.0})
    store.ledger.note(killed, NightReport())
    assert store.ledger.get(killed)["report"]["seconds"], "an ended night is not written to"


def test_latest_summarises_reports(store: Store) -> None:
    report = NightReport(
        verdicts=[
            GateResult("nothing was asked", 0, 0.0, 0.0),
            GateResult("newest", 9, 0.7, 0.71),
            GateResult("anchor", 9, 0.5, 0.6),
        ],
        seconds={"collect": 0.25, "train": 4.5},
        warnings=["query mix moved"],
    )
    store.ledger.end(store.ledger.begin(NOW, 0), NOW, "published", "", 1, report)
    store.ledger.end(store.ledger.begin(NOW, 1), NOW, "nothing to learn", "", 1, NightReport())
    nothing, published = store.ledger.latest(2)
    assert {name: published[name] for name in ("measure", "seconds", "warnings")} == {
        "measure": [0.7, 0.71], "seconds": 4.75, "warnings": ["query mix moved"],
    }  # fmt: skip
    assert (nothing["measure"], nothing["seconds"], nothing["warnings"]) == (None, None, [])


@pytest.mark.parametrize(
    ("verdicts", "warnings"),
    [([], []), (["published"], ["0"]), (["published", "refused"], ["1"]), (["published", "failed", "killed"], ["0"])],
)
def test_warnings_are_those_of_the_latest_finished_night(
    store: Store, verdicts: list[str], warnings: list[str]
) -> None:
    for number, verdict in enumerate(verdicts):
        store.ledger.end(store.ledger.begin(NOW, 0), NOW, verdict, "", 1, NightReport(warnings=[str(number)]))
    store.ledger.note(store.ledger.begin(NOW, 0), NightReport(warnings=["too early to say"]))
    assert store.ledger.warnings() == warnings


def test_pace_is_that_of_the_latest_night_that_trained(store: Store) -> None:
    assert store.ledger.pace() == {}
    for verdict, seconds in (
        ("published", {"collect": 1.0, "train": 9.0, "judge": 2.0}),
        ("published", {"collect": 1.0, "encode": 3.0}),
        ("failed", {"train": 0.1}),
    ):
        store.ledger.end(store.ledger.begin(NOW, 0), NOW, verdict, "", 1, NightReport(seconds=seconds))
    assert list(store.ledger.pace().items()) == [("collect", 1.0), ("train", 9.0), ("judge", 2.0)]


def test_end_writes_nan_as_null(store: Store) -> None:
    number = store.ledger.begin(NOW, 0)
    report = NightReport(seconds={"train": 1.0}, training=TrainingReport({}, losses=[1.0, float("nan"), float("inf")]))
    store.ledger.end(number, NOW, "refused", "not finite", 0, report)
    assert store.ledger.get(number)["report"]["training"]["losses"] == [1.0, None, None]
    assert store.ledger.pace() == {"train": 1.0}
