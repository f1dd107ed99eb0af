"""`GET /status` and `GET /healthz`."""

from __future__ import annotations

import os
import sys

from flask.testing import FlaskClient

from shelfwise import Shop
from shelfwise.night_report import NightReport


def test_status_tells_what_is_served(client: FlaskClient) -> None:
    status = client.get("/status").json
    assert {"generation", "items", "events", "torch_loaded", "pid", "version", "degraded"} <= set(status)
    assert (status["items"], status["events"], status["pid"]) == (7, 3, os.getpid())
    assert status["torch_loaded"] == ("torch" in sys.modules)


def test_status_tells_what_last_night_warned_of(client: FlaskClient, shop: Shop) -> None:
    assert client.get("/status").json["warnings"] == []
    warnings = ["query mix moved: PSI 0.310 > 0.250"]
    shop.store.ledger.end(shop.store.ledger.begin(1.0, None), 2.0, "published", "", 0, NightReport(warnings=warnings))
    assert client.get("/status").json["warnings"] == warnings


def test_healthz(client: FlaskClient) -> None:
    assert (client.get("/healthz").status_code, client.get("/healthz").json) == (200, {"status": "ok"})
