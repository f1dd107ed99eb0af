"""The report of a night: its JSON comes back unchanged, and any part of it may be missing."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from shelfwise.night_report import NightReport
from shelfwise.night_report_parts import DriftReport, GateResult, MovedQuery, PrecisionReport, TrainingReport

REPORT: dict[str, Any] = {
    "seconds": {"collect": 0.3, "train": 41.8}, "warnings": ["query mix moved"], "parent": 25, "seed": 20_136,
    "after_rollback": True, "forced": False, "until": "2011-09-06T00:00:00.000Z", "events_seq": 11_243,
    "since_seq": 10_689, "resumed": False, "counts": {"events": 11_243}, "removed": {"bots": 0},
    "peak_memory_mb": 1_912, "strategy": "replay",
    "training": {
        "learning_rate": 2e-5, "batch_size": 64, "bf16": True, "seed": 20_136, "ranks": 1, "pairs": 128, "steps": 2,
        "losses": [2.5, 2.25], "dev": [[1, 0.75]], "stopped": None, "resumed_at_step": 1,
    },
    "precision": {"served": "int8", "exact": 0.75, "lost": 0.001, "low": -0.002, "questions": 300, "too_coarse": False},
    "verdicts": [{
        "exam": "anchor", "questions": 9, "parent": 0.5, "child": 0.6, "low": 0.01, "high": 0.2, "passed": True,
        "reason": "", "tolerance": 0.0125, "metrics": {"hr": [0.5, 0.6]}, "strata": {"head": [9, 0.5, 0.6]},
    }],
    "moved": {"gained": [{"query": "mug", "item": "a", "before": 0.0, "after": 1.0}], "lost": []},
    "drift": {
        "query_psi": 0.5, "embedding_shift": 0.0, "limits": {"query_psi": 0.25, "embedding_shift": 0.3},
        "ctr": {"yesterday": 0.4, "before": 0.5, "spread": 0.1, "limit": 0.3, "shown": 9, "days": 28},
    },
    "shelves": [{"kind": "search", "auc": None}],
    "ranker": {"kind": "trees", "searches": 9, "blend": 0.5, "learned": 0.6, "low": 0.0, "high": 0.1},
    "wishes": {"kind": "blend", "searches": 9, "blend": 0.5, "learned": 0.5, "low": 0.0, "high": 0.0},
}  # fmt: skip


def test_report_json_returns_unchanged() -> None:
    written = NightReport.from_dict(REPORT).to_dict()
    assert written == REPORT and list(written) == list(REPORT)
    assert list(written["training"]) == list(REPORT["training"])


@pytest.mark.parametrize("missing", [*REPORT, "all"])
def test_report_without_a_part_is_read(missing: str) -> None:
    kept = {name: value for name, value in REPORT.items() if missing not in (name, "all")}
    nulls = {name: kept.get(name) for name in REPORT}
    assert NightReport.from_dict(kept) == NightReport.from_dict(nulls)


def test_empty_report_writes_only_what_a_night_begins_with() -> None:
    assert NightReport().to_dict() == {"seconds": {}, "warnings": [], "after_rollback": False, "forced": False}


def test_empty_lists_are_written_of_the_stages_that_were_done() -> None:
    written = NightReport(moved={"gained": [], "lost": []}, drift=DriftReport()).to_dict()
    assert (written["verdicts"], written["moved"]) == ([], {"gained": [], "lost": []})
    assert (written["drift"], written["shelves"]) == ({}, [])


def test_null_figures_are_read_as_nan() -> None:
    report = NightReport.from_dict({
        "training": {"losses": [1.0, None], "dev": [[1, None]]},
        "verdicts": [{"exam": "anchor", "low": None, "metrics": {"hr": [0.5, None]}, "strata": None}],
        "moved": {"gained": [{"query": "mug", "before": None}], "lost": None},
    })  # fmt: skip
    assert report.training is not None and report.moved is not None
    assert math.isnan(report.training.losses[1]) and math.isnan(report.training.dev[0][1])
    assert math.isnan(report.verdicts[0].low) and math.isnan(report.verdicts[0].metrics["hr"][1])
    assert math.isnan(report.moved["gained"][0].before) and report.moved["lost"] == []


def test_unknown_entries_are_passed_over_and_unknown_settings_kept() -> None:
    report = NightReport.from_dict({"erased": [1], "training": {"batch_size": 8, "colour": "red"}})
    assert report.training == TrainingReport({"batch_size": 8, "colour": "red"})
    assert json.dumps(report.to_dict()).count("erased") == 0


@pytest.mark.parametrize(("steps", "resumed_at", "pairs"), [(50, None, 1300), (50, 25, 650), (50, 50, 0), (0, None, 0)])
def test_trained_pairs_are_those_since_the_training_was_resumed(steps: int, resumed_at: int | None, pairs: int) -> None:
    assert TrainingReport({"batch_size": 26}, steps=steps, resumed_at_step=resumed_at).trained_pairs == pairs


def test_moved_query_of_an_early_report_keeps_its_title() -> None:
    row = {"query": "mug", "item": "a", "before": 0.0, "after": 1.0, "title": "Red mug"}
    assert MovedQuery.from_dict(row).to_dict() == row


def test_parts_are_written_without_what_is_not_known() -> None:
    assert PrecisionReport(served="fp32").to_dict() == {"served": "fp32"}
    assert MovedQuery("mug", "a", 0.0, 1.0).to_dict() == {"query": "mug", "item": "a", "before": 0.0, "after": 1.0}
    assert GateResult("anchor", 0, reason="nothing was asked").to_dict()["reason"] == "nothing was asked"
