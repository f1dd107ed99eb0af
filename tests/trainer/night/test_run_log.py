"""The run log: the seconds of each stage, what is noted after it, and the warnings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shelfwise.night_report import NightReport
from shelfwise.trainer.night.run_log import RunLog


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still at `clock[0]` seconds."""
    now = [100.0]
    monkeypatch.setattr("shelfwise.trainer.night.run_log.time.perf_counter", lambda: now[0])
    return now


def test_the_seconds_of_a_stage_add_up_and_each_is_noted(clock: list[float]) -> None:
    noted: list[str] = []
    run_log = RunLog(lambda *_: None, lambda report: noted.append(json.dumps(report.seconds)), NightReport())
    for stage, seconds in (("judge", 1.5), ("encode", 0.25), ("judge", 2.0)):
        with run_log.timed(stage):
            clock[0] += seconds
            run_log.report.counts = {"events": len(noted)}
    assert run_log.report.seconds == {"judge": 3.5, "encode": 0.25}
    assert noted == ['{"judge": 1.5}', '{"judge": 1.5, "encode": 0.25}', '{"judge": 3.5, "encode": 0.25}']
    assert 10 < run_log.report.peak_memory_mb < 1_000_000, "in megabytes"


def test_what_was_found_within_a_stage_is_in_its_note() -> None:
    noted: list[dict[str, Any]] = []
    run_log = RunLog(lambda *_: None, lambda report: noted.append(report.to_dict()), NightReport())
    with run_log.timed("collect"):
        run_log.report.counts = {"events": 60}
    assert noted[0]["counts"] == {"events": 60} and noted[0]["seconds"].keys() == {"collect"}


def test_a_stage_that_fails_is_no_stage_done() -> None:
    noted: list[NightReport] = []
    run_log = RunLog(lambda *_: None, noted.append, NightReport())
    with pytest.raises(OSError), run_log.timed("publish"):
        raise OSError("no space left on device")
    assert run_log.report.seconds == {} and noted == []


def test_run_log_tells_progress_and_collects_warnings() -> None:
    told: list[tuple[str, int, int]] = []
    run_log = RunLog(lambda *progress: told.append(progress), lambda report: None, NightReport())
    run_log.progress("export", 0, 1)
    run_log.count("encode")(32, 64)
    assert told == [("export", 0, 1), ("encode", 32, 64)]
    run_log.warn(["first"])
    run_log.warn(sentence for sentence in ("second", "third"))
    assert run_log.report.warnings == ["first", "second", "third"]
