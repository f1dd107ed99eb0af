"""The page of a night: everything that happened is on it, nothing breaks it, and nothing comes from elsewhere."""

from __future__ import annotations

import html
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from shelfwise.night_report import NightReport
from shelfwise.trainer.reports.night_page import write_night_page
from shelfwise.trainer.reports.night_summary import NightHead

NIGHT: dict[str, Any] = {
    "night": 27,
    "verdict": "published",
    "reason": "newest searches: nDCG@10 0.731 → 0.752 over 284 questions (difference +0.006..+0.036); "
    "anchor: nDCG@10 0.702 → 0.706 over 341 questions (difference -0.008..+0.017)",
    "parent": 25,
    "after_rollback": True,
    "resumed": True,
    "until": "2011-09-06T00:00:00.000Z",
    "events_seq": 11_243,
    "since_seq": 10_689,
    "seed": 20_136,
    "strategy": "replay",
    "forced": False,
    "counts": {
        "events": 11_243, "new_events": 554, "new_searches": 470, "old_searches": 9_803, "held_searches": 284,
        "anchor_searches": 341, "new_pairs": 452, "replayed_pairs": 904,
    },
    "removed": {
        "unknown_item": 3, "bots": 212, "same_shopper_again": 35, "over_user_cap": 4, "over_item_cap": 0,
        "over_pair_cap": 18,
    },
    "training": {
        "learning_rate": 2e-5, "batch_size": 64, "warmup_share": 0.1, "bf16": True, "pairs": 1_356, "steps": 64,
        "losses": [round(2.2 * math.exp(-step / 22) + 0.6 + 0.12 * math.sin(step * 2.4), 4) for step in range(64)],
        "dev": [[0, 0.712], [16, 0.728], [32, 0.741], [48, 0.739], [64, 0.743]],
        "stopped": None, "ranks": 1,
    },
    "verdicts": [
        {
            "exam": "newest searches", "questions": 284, "parent": 0.7311, "child": 0.7522, "low": 0.006,
            "high": 0.036, "passed": True, "reason": "", "tolerance": 0.0125,
            "metrics": {"hr": [0.845, 0.866], "map": [0.694, 0.717], "ndcg": [0.731, 0.752], "recall": [0.944, 0.951],
                        "auc": [0.9912, 0.9921]},
            "strata": {"head": [120, 0.812, 0.83], "new": [21, 0.48, 0.601], "tail": [143, 0.7, 0.708]},
        },
        {
            "exam": "anchor", "questions": 341, "parent": 0.7021, "child": 0.7061, "low": -0.0083, "high": 0.0172,
            "passed": True, "reason": "", "tolerance": 0.0125,
            "metrics": {"hr": [0.821, 0.824], "map": [0.664, 0.669], "ndcg": [0.702, 0.706], "recall": [0.93, 0.932],
                        "auc": [0.9897, 0.9899]},
            "strata": {"head": [150, 0.79, 0.792], "tail": [191, 0.633, 0.638]},
        },
        {
            "exam": "newest searches and anchor", "questions": 625, "parent": 0.7153, "child": 0.727, "low": 0.0023,
            "high": 0.0217, "passed": True, "reason": "", "tolerance": 0.0125,
            "metrics": {"hr": [0.832, 0.843], "map": [0.678, 0.691], "ndcg": [0.715, 0.727], "recall": [0.936, 0.941],
                        "auc": [0.9904, 0.9909]},
            "strata": {},
        },
        {
            "exam": "bought together", "questions": 0, "parent": 0.0, "child": 0.0, "low": -1.0, "high": 1.0,
            "passed": True, "reason": "nothing was asked", "tolerance": 0.0125, "metrics": {}, "strata": {},
        },
    ],
    "precision": {"served": "int8", "lost": 0.0012, "questions": 300},
    "wishes": {"kind": "trees", "searches": 1_538, "blend": 0.57, "learned": 0.592, "low": 0.015, "high": 0.028},
    "ranker": {"kind": "trees", "searches": 512, "blend": 0.7012, "learned": 0.7188, "low": 0.0041, "high": 0.0312},
    "moved": {
        "gained": [
            {"query": "gears of war 3 limited edition", "item": "2670133", "before": 0.0, "after": 1.0},
            {"query": "halo reach anniversary", "item": "2945052", "before": 0.125, "after": 1.0},
            {"query": "fifa 12 ps3", "item": "2793189", "before": 0.3333, "after": 1.0},
            {"query": "madden nfl", "item": "2609221", "before": 0.0, "after": 0.25},
            {"query": "<b>bold</b> & \"quoted\" superlongwordthatneverends" + "x" * 40, "item": "i", "before": 0.1,
             "after": 0.2},
        ],
        "lost": [
            {"query": "zelda wii", "item": "9328914", "before": 1.0, "after": 0.5},
            {"query": "kinect bundle", "item": "1180104", "before": 0.5, "after": 0.0},
        ],
    },
    "drift": {
        "query_psi": 1.0631, "unseen_queries": 0.0881, "unseen_before": 0.1101, "new_items": 0.0558,
        "new_items_before": 0.0925, "embedding_shift": 0.0173, "catalogue_shift": 0.0,
        "ctr": {"yesterday": 0.402, "before": 0.417, "spread": 0.023, "limit": 0.334, "shown": 912, "days": 28},
        "limits": {"query_psi": 0.7557, "unseen_queries": 0.2601, "new_items": 0.2425, "embedding_shift": 0.3,
                   "catalogue_shift": 0.1},
    },
    "warnings": ["query mix moved: PSI 1.063 > 0.756", "bot-17 chose more than a person does and was left out"],
    "seconds": {"collect": 0.31, "count": 0.22, "train": 41.8, "export": 6.4, "encode": 8.7, "judge": 2.9,
                "publish": 0.35},
    "peak_memory_mb": 1_912,
}  # fmt: skip

VOID = {"meta", "path", "rect", "line", "circle", "polyline", "small", "br"}


class Balance(HTMLParser):
    """The tags that are open at the end, and everything that refers to something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.references += [name for name, _ in attributes if name in ("src", "href", "onclick", "onload")]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page_of(folder: Path, night: dict[str, Any]) -> str:
    path = folder / "report.html"
    head = NightHead(night.get("night"), night.get("verdict"), night.get("reason"), night.get("generation"))
    write_night_page(path, NightReport.from_dict(night), head)
    return path.read_text(encoding="utf-8")


def words_of(page: str) -> str:
    body = page.partition("<body>")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def test_the_whole_night_is_on_it(tmp_path: Path) -> None:
    words = words_of(page_of(tmp_path, NIGHT))
    for expected in (
        "Night 27 published", "newest searches: nDCG@10 0.731 → 0.752", "generation 25 is the parent",
        "until 2011-09-06 00:00 UTC", "events 10,690 to 11,243 are new", "after a rollback",
        "query mix moved: PSI 1.063 > 0.756",
        "newest searches 284 questions, passed 0.731 0.752 +0.021 (+0.006 to +0.036)",
        "bought together 0 questions, passed nothing was asked",
        "recall@50 0.944 → 0.951 0.930 → 0.932 0.936 → 0.941", "nDCG@10, new 0.480 → 0.601 21 questions – –",
        "Served in int8, which costs 0.0012 nDCG@10 on 300 questions",
        "2.8", "step 64", "0.743",
        "Ranker of searches trees, nDCG@10 0.701 → 0.719 (+0.004 to +0.031) on the newest 512 searches",
        "Ranker of shelves trees, nDCG@10 0.570 → 0.592 (+0.015 to +0.028) on the newest 1,538 visits",
        "gears of war 3 limited edition 2670133 > 10 → 1", "fifa 12 ps3 2793189 3 → 1",
        "kinect bundle 1180104 2 → > 10",
        "replayed pairs 904", "over pair cap 18",
        "query mix (stability index) 1.06 above 0.756", "share of unseen queries 0.0881 0.11 above 0.26",
        "searches clicked, yesterday 40.2% 41.7% ± 2.3 below 33.4%",
        "train 41.8", "60.7 seconds in all; at most 1,912 MB of memory",
        "strategy replay", "seed 20136", "learning rate 2e-05", "bf16 yes", "stopped none",
    ):  # fmt: skip
        assert expected in words, expected


def test_it_is_sound_html_and_stands_alone(tmp_path: Path) -> None:
    page = page_of(tmp_path, NIGHT)
    balance = Balance()
    balance.feed(page)
    assert balance.open == []
    assert "script" not in balance.names
    assert (balance.references, re.findall(r"https?:|url\(|@import", page)) == ([], [])
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; &#34;quoted&#34;" in page


@pytest.mark.parametrize("missing", [*NIGHT, "everything"])
def test_any_part_may_be_missing(tmp_path: Path, missing: str) -> None:
    without = {name: value for name, value in NIGHT.items() if name != missing and missing != "everything"}
    assert "</html>" in page_of(tmp_path, without)
    assert "</html>" in page_of(tmp_path, {name: without.get(name) for name in NIGHT})


@pytest.mark.parametrize("part", ["training", "drift", "precision", "ranker", "wishes", "moved"])
def test_any_part_of_a_part_may_be_missing(tmp_path: Path, part: str) -> None:
    for name in NIGHT[part]:
        rest = {other: value for other, value in NIGHT[part].items() if other != name}
        assert "</html>" in page_of(tmp_path, NIGHT | {part: rest})
        assert "</html>" in page_of(tmp_path, NIGHT | {part: NIGHT[part] | {name: None}})
    assert "</html>" in page_of(tmp_path, NIGHT | {part: {}})


def test_a_child_that_was_refused(tmp_path: Path) -> None:
    worse = NIGHT["verdicts"][0] | {"child": 0.65, "low": -0.11, "high": -0.05, "passed": False}
    broken = {"exam": "vectors", "questions": 0, "low": -1.0, "high": 1.0, "passed": False, "reason": "no numbers"}
    night = NIGHT | {"verdict": "refused", "reason": "worse", "verdicts": [worse, broken]}
    page = page_of(tmp_path, night)
    assert '<svg class="whisker bad"' in page
    assert "vectors 0 questions, not passed no numbers" in words_of(page)


@pytest.mark.parametrize(
    ("ranker", "expected"),
    [
        ({"kind": "weights", "searches": 60, "blend": 0.5, "learned": 0.625, "low": -0.01, "high": 0.2},
         "fitted weights of the blend, nDCG@10 0.500 → 0.625 (-0.010 to +0.200) on the newest 60 searches"),
        ({"kind": "blend", "searches": 60, "blend": 0.5, "learned": 0.5, "low": 0.0, "high": 0.0},
         "the blend as it is, nDCG@10 0.500; nothing learned did better on the newest 60 searches"),
        ({"kind": "blend", "searches": 7, "blend": 0.0, "learned": 0.0, "low": 0.0, "high": 0.0},
         "the blend as it is; 7 searches are too few to learn from"),
    ],
)  # fmt: skip
def test_what_ranks_is_told(tmp_path: Path, ranker: dict[str, Any], expected: str) -> None:
    assert f"Learning Ranker of searches {expected}" in words_of(page_of(tmp_path, {"ranker": ranker}))


@pytest.mark.parametrize("bad", [None, math.nan, math.inf])
def test_figures_that_are_no_numbers(tmp_path: Path, bad: float | None) -> None:
    training = NIGHT["training"] | {"losses": [2.0, bad, bad], "dev": [[0, 0.7], [8, bad]]}
    verdict = NIGHT["verdicts"][0] | {"low": bad, "metrics": {"ndcg": [0.7, bad]}}
    page = page_of(tmp_path, NIGHT | {"training": training, "verdicts": [verdict]})
    assert "2 of the losses are not finite" in words_of(page)
    assert not re.search(r'="[^"]*\b(nan|inf|None)\b[^"]*"', page)


def test_an_exam_of_few_questions_does_not_flatten_the_others(tmp_path: Path) -> None:
    few = NIGHT["verdicts"][0] | {"exam": "anchor", "questions": 1, "low": -1.0, "high": 1.0}
    page = page_of(tmp_path, NIGHT | {"verdicts": [NIGHT["verdicts"][0], few]})
    bars = re.findall(r'class="bar" x1="([\d.]+)%" x2="([\d.]+)%" y1="12"', page)
    assert [(float(low), float(high)) for low, high in bars] == [(50.95, 55.68), (0.0, 100.0)]
    assert page.count('y1="7"') == 2, "a bar that goes on beyond the cell has no ends"
    assert "1 question," in words_of(page)


def test_page_of_an_early_report_names_items_by_title(tmp_path: Path) -> None:
    row = {"query": "mug", "item": "8471", "title": "Red mug", "before": 0.5, "after": 1.0}
    words = words_of(page_of(tmp_path, {"moved": {"gained": [row], "lost": []}}))
    assert "Red mug" in words and "8471" not in words


def test_a_curve_of_one_point_is_a_dot(tmp_path: Path) -> None:
    page = page_of(tmp_path, {"training": {"losses": [0.48], "steps": 1}})
    assert page.count('class="dot"') == 1
    assert "step 1" in words_of(page)


def test_a_long_night_makes_no_long_page(tmp_path: Path) -> None:
    long = NIGHT | {"training": NIGHT["training"] | {"losses": [1.0 / (n + 1) for n in range(50_000)], "steps": 50_000}}
    assert len(page_of(tmp_path, long)) < 40_000
