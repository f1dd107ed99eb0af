"""The answers as the HTTP bodies of the contract."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from shelfwise import Hit, Recommendations, SearchResult

HITS = [Hit("mug", 0.123456789, {"id": "mug", "title": "Red Mug", "in_stock": True})]
HIT = {"id": "mug", "title": "Red Mug", "in_stock": True, "score": 0.123457}


def test_search_result_to_dict_is_the_http_body() -> None:
    answer = SearchResult("s1", "red", 7, 40, 1.23456, HITS)
    assert answer.to_dict() == {
        "search_id": "s1", "query": "red", "generation": 7, "total": 40, "took_ms": 1.235, "hits": [HIT],
    }  # fmt: skip
    assert list(answer.to_dict()) == ["search_id", "query", "generation", "total", "took_ms", "hits"]


def test_recommendations_to_dict_is_the_http_body() -> None:
    answer = Recommendations("r1", 7, "popular", 1.0, HITS)
    assert answer.to_dict() == {
        "recommendation_id": "r1", "generation": 7, "kind": "popular", "took_ms": 1.0, "hits": [HIT],
    }  # fmt: skip


def test_to_dict_has_degraded_only_if_any() -> None:
    assert SearchResult("s1", "red", None, 0, 1.0, [], ["encoder"]).to_dict()["degraded"] == ["encoder"]
    assert Recommendations("r1", None, "popular", 1.0, [], ["encoder"]).to_dict()["degraded"] == ["encoder"]


def test_hits_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        HITS[0].score = 1.0  # type: ignore[misc]
