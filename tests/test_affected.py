"""Which tests `make test-fast` runs for a change."""

from __future__ import annotations

import pytest

from support.affected import affected


@pytest.mark.parametrize(
    ("changed", "expected", "others"),
    [
        ("backend/search/ranker.py", "tests/backend/search/test_ranker.py", "tests/backend/text/test_units.py"),
        ("backend/search/ranker.py", "tests/trainer/rankers/test_search_ranker.py", "tests/backend/text/test_units.py"),
        ("tests/backend/text/test_units.py", "tests/backend/text/test_units.py", "tests/backend/search/test_ranker.py"),
        ("tests/trainer/conftest.py", "tests/trainer/data/test_spam_filters.py", "tests/backend/text/test_units.py"),
        ("api/storefront/templates/home.html", "tests/api/storefront/test_views.py", "tests/api/test_app.py"),
        ("tests/support/recommend_shop.py", "tests/backend/recommend/test_strategies.py", "tests/api/test_app.py"),
        ("README.md", "tests/test_rooms.py", "tests/backend/text/test_units.py"),
    ],
)
def test_affected_finds_a_sources_tests(changed: str, expected: str, others: str) -> None:
    tests = affected([changed])
    assert expected in tests and others not in tests
