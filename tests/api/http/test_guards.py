"""Whose pages may change the shop."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient


@pytest.mark.parametrize(("headers", "status"), [
    ({}, 201),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "https://shop.example"}, 201),
    ({"Sec-Fetch-Site": "none"}, 201),
    ({"Origin": "http://localhost"}, 201),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"}, 403),
    ({"Origin": "http://evil.example"}, 403),
    ({"Origin": "http://localhost.evil.example"}, 403),
    ({"Origin": "http://[evil"}, 403),
    ({"Origin": "null"}, 403),
])  # fmt: skip
@pytest.mark.parametrize(("path", "body"), [
    ("/synonyms", {"word": "TV", "means": "television"}),
    ("/rules", {"action": "hide", "query": "mug", "items": ["22465"]}),
])  # fmt: skip
def test_another_sites_page_changes_nothing(
    client: FlaskClient, path: str, body: dict[str, Any], headers: dict[str, str], status: int
) -> None:
    answer = client.post(path, json=body, headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.json["error"]["code"] == "forbidden"
        assert client.get(path).json == {path[1:]: []}
