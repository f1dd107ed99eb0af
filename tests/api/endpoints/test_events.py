"""`POST /events`: any body that parses, each event judged alone, the same event once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from shelfwise import Shop

CLICK: dict[str, Any] = {"type": "click", "item": "22465", "user": "u1"}
VIEW: dict[str, Any] = {"type": "view", "item": "unknown yet", "session": "s1", "ts": "2026-01-02T03:04:05Z"}


def lines(*rows: object) -> str:
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)


READABLE = {
    "object": (json.dumps(CLICK), 1, []),
    "object on several lines": (json.dumps(CLICK, indent=2), 1, []),
    "array": (json.dumps([CLICK, VIEW]), 2, []),
    "array on several lines": (json.dumps([CLICK, VIEW], indent=2), 2, []),
    "empty array": ("[]", 0, []),
    "NDJSON": (lines(CLICK, VIEW), 2, []),
    "NDJSON of Windows, with blank lines": (lines(CLICK, "", VIEW, "").replace("\n", "\r\n"), 2, []),
    "byte order mark": ("\ufeff" + json.dumps(CLICK), 1, []),
    "a bad one among good ones": (json.dumps([CLICK, {"type": "stare", "item": "1"}, VIEW, 5, None]), 2, [1, 3, 4]),
    "a bad line among good ones": (lines(CLICK, '{"type": "cli', VIEW, "[1]", {"type": "click"}), 2, [1, 3, 4]),
    "a bad line at the start": (lines('{"type": "cli', CLICK), 1, [0]),
    "lone surrogate": (lines([CLICK | {"item": "\ud800"}, CLICK | {"\ud800": 1}, {"type": "\ud800"}]), 1, [0, 2]),
    "a separator within a text": (lines({**CLICK, "query": "a\u2028b"}).replace("\\u2028", "\u2028"), 1, []),
    "wrong types": (lines([CLICK | {"position": "first"}, CLICK | {"value": []}, CLICK | {"item": {}}]), 0, [0, 1, 2]),
    "position past the list": (json.dumps({**CLICK, "position": -1}), 0, [0]),
    "time that is none": (json.dumps([{**CLICK, "ts": "soon"}, {**CLICK, "ts": True}]), 0, [0, 1]),
}  # fmt: skip


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", None])
@pytest.mark.parametrize(("body", "accepted", "rejected"), READABLE.values(), ids=READABLE.keys())
def test_what_parses_is_judged(
    client: FlaskClient, shop: Shop, body: str, accepted: int, rejected: list[int], content_type: str | None
) -> None:
    before = shop.store.events.count()
    response = client.post("/events", data=body.encode(), content_type=content_type)
    assert response.status_code == 202
    assert set(response.json) == {"accepted", "duplicates", "rejected"}
    assert response.json["accepted"] == accepted == shop.store.events.count() - before
    assert [bad["index"] for bad in response.json["rejected"]] == rejected
    assert all(bad["reason"] for bad in response.json["rejected"])


def test_the_same_event_counts_once(client: FlaskClient, shop: Shop) -> None:
    event = {**CLICK, "event_id": "e1"}
    assert client.post("/events", json=event).json == {"accepted": 1, "duplicates": 0, "rejected": []}
    assert client.post("/events", json=[event, CLICK, event]).json == {"accepted": 1, "duplicates": 2, "rejected": []}


def test_events_without_an_id_are_all_kept(client: FlaskClient) -> None:
    assert client.post("/events", json=[CLICK, CLICK]).json["accepted"] == 2
