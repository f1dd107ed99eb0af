"""The metrics of a replayed search log, by kind of click."""

from __future__ import annotations

from shelfwise.trainer.replay.search_metrics import SearchMetrics


def test_a_click_counts_in_each_kind_that_it_is_of() -> None:
    metrics = SearchMetrics(5)
    metrics.add(1, unseen_query=False, new_item=False)
    metrics.add(2, unseen_query=True, new_item=False)
    metrics.add(None, unseen_query=True, new_item=True)
    report = metrics.report()
    assert metrics.n == 3
    assert {kind: (values["n"], values["map"]) for kind, values in report.items()} == {
        "all": (3, 0.5), "unseen_queries": (2, 0.25), "new_items": (1, 0.0),
    }  # fmt: skip
