"""The ledger in a terminal: what a line and what a whole night tell, and that no missing part breaks either."""

from __future__ import annotations

from typing import Any

import pytest

from shelfwise.cli.night_table import night_lines, nights_table
from shelfwise.night_report import NightReport
from shelfwise.trainer.reports.night_summary import NightHead, summarise_night

NIGHT: dict[str, Any] = {
    "night": 9, "verdict": "published", "reason": "newest: better", "parent": 3, "generation": 4,
    "started": "2011-09-20T00:00:01.000Z", "finished": "2011-09-20T00:01:02.000Z", "measure": [0.7311, 0.7522],
    "seconds": 61.04, "warnings": ["query mix moved: PSI 0.310 > 0.250"],
}  # fmt: skip
REPORT: dict[str, Any] = {
    "until": "2011-09-20T00:00:00.000Z", "events_seq": 1_234, "since_seq": 1_000, "forced": True, "seed": 20_114,
    "strategy": "replay", "warnings": NIGHT["warnings"], "counts": {"new_searches": 470}, "removed": {"bots": 1_212},
    "training": {"losses": [2.5, None, 0.5], "dev": [[0, 0.7], [8, 0.75]], "steps": 8, "learning_rate": 2e-5},
    "verdicts": [
        {"exam": "newest searches", "questions": 284, "parent": 0.7311, "child": 0.7522, "low": 0.006, "high": 0.036,
         "passed": True, "tolerance": 0.0125, "metrics": {"ndcg": [0.731, 0.752], "auc": [0.991, 0.992]},
         "strata": {"tail": [143, 0.7, 0.708]}},
        {"exam": "vectors", "questions": 0, "passed": False, "reason": "no finite numbers"},
    ],
    "precision": {"served": "int8", "lost": 0.0012, "questions": 300},
    "ranker": {"kind": "weights", "searches": 60, "blend": 0.5, "learned": 0.625, "low": -0.01, "high": 0.2},
    "moved": {"gained": [{"query": "fifa 12", "item": "279", "before": 0.0, "after": 1.0}], "lost": []},
    "drift": {"query_psi": 0.31, "limits": {"query_psi": 0.25}, "new_items": 0.05, "new_items_before": 0.04},
    "seconds": {"collect": 0.3, "train": 60.74}, "peak_memory_mb": 1_912,
}  # fmt: skip


def lines_of(report: dict[str, Any], **row: Any) -> str:
    night = NIGHT | {"report": report} | row
    head = NightHead(night["night"], night["verdict"], night["reason"])
    return "\n".join(night_lines(night, summarise_night(NightReport.from_dict(report), head)))


def test_no_night_yet() -> None:
    assert nights_table([], 100) == ["no night yet"]


def test_a_table_of_nights() -> None:
    nothing = NIGHT | {"night": 10, "verdict": "nothing to learn", "measure": None, "seconds": None, "warnings": []}
    running = nothing | {"night": 11, "verdict": "running", "reason": None, "generation": None}
    assert nights_table([running, nothing | {"generation": 3, "reason": "no event came"}, NIGHT], 120) == [
        "night  started           verdict           generation  nDCG@10        seconds  warnings  reason",
        "   11  2011-09-20 00:00  running           3",
        "   10  2011-09-20 00:00  nothing to learn  3                                             no event came",
        "    9  2011-09-20 00:00  published         3 → 4       0.731 → 0.752     61.0         1  newest: better",
    ]


@pytest.mark.parametrize(("width", "longest"), [(150, 150), (40, 106)])
def test_a_long_reason_is_cut_to_fit(width: int, longest: int) -> None:
    head, line = nights_table([NIGHT | {"reason": "worse than the tolerance " * 20}], width)
    assert line.endswith("…")
    assert longest - 3 < len(line) <= longest
    assert len(head) < len(line)


def test_a_whole_night() -> None:
    lines = [" ".join(line.split()) for line in lines_of(REPORT).splitlines()]
    for expected in (
        "night 9: published", "newest: better", "warnings", "query mix moved: PSI 0.310 > 0.250",
        "newest searches 284 questions passed nDCG@10 0.731 → 0.752 +0.021 (+0.006 to +0.036)",
        "vectors 0 questions NOT PASSED no finite numbers",
        "Served in int8, which costs 0.0012 nDCG@10 on 300 questions against the trained weights.",
        "newest searches", "AUC 0.991 → 0.992", "nDCG@10, tail 0.700 → 0.708, 143 questions",
        "loss: 2.500 → 0.500, steps 1 to 8", "1 of the losses are not finite",
        "ranker: fitted weights of the blend, nDCG@10 0.500 → 0.625 (-0.010 to +0.200) on the newest 60 searches",
        "queries that gained", "rank > 10 → 1 fifa 12 279", "new searches 470", "bots 1,212",
        "query mix (stability index) 0.31 warns above 0.25", "share of clicks on new items 0.05 before 0.04",
        "train 60.7", "61.0 seconds in all; at most 1,912 MB of memory", "learning rate 2e-05",
    ):  # fmt: skip
        assert expected in lines, expected
    assert "queries that lost" not in lines
    text = " ".join(" ".join(lines).split())
    assert "generation 3 → 4 · from 2011-09-20 00:00 to 2011-09-20 00:01 UTC · until 2011-09-20 00:00 UTC" in text
    assert "events 1,001 to 1,234 are new · forced" in text


def test_night_that_learned_from_erased_people_says_so() -> None:
    assert "erased since" in lines_of(REPORT | {"erased": [1]})
    assert "erased" not in lines_of(REPORT)


def test_a_killed_night_tells_what_it_knows() -> None:
    text = lines_of({"seconds": {"collect": 0.3}}, verdict="killed", reason="the process ended", finished=None)
    assert text.splitlines()[:4] == [
        "night 9: killed",
        "",
        "  the process ended",
        "  generation 3 → 4 · from 2011-09-20 00:00 to ? UTC",
    ]
    assert lines_of({}, parent=None, generation=None, reason=None, finished=None) == (
        "night 9: published\n\n  from 2011-09-20 00:00 to ? UTC"
    )


@pytest.mark.parametrize("missing", REPORT)
def test_any_part_may_be_missing(missing: str) -> None:
    assert lines_of({name: value for name, value in REPORT.items() if name != missing})
    assert lines_of(REPORT | {missing: None})
