"""The application factory: a Flask app that serves one shop and nothing else. Gunicorn calls it in each worker."""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from typing import Any

from flask import Flask

from shelfwise import Shop
from shelfwise.api.blueprint import blueprint
from shelfwise.api.http.json_errors import answer_in_json
from shelfwise.settings import data_folder

__all__ = ["create_app"]


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return a Flask app that serves one shop. Raises InvalidInput for a share of exploration outside 0 to 1.

    The shop is opened here, so call it after a fork, as gunicorn does without --preload.

    Args:
        config: Flask's own keys, and ours. `DATA` is the shop's folder (default: the environment's SHELFWISE_DATA, then
            `./shelfwise-data`). `SHOP` is an opened Shop to serve instead, which stays the caller's to close. `WATCH`
            opens new generations in the background (default False: a server wants it, a test doesn't). `EXPLORE` is
            the share of answers that explore (default: the environment's SHELFWISE_EXPLORE, then 0.05).
    """
    app = Flask(__name__, static_folder=None)  # the blueprint brings the static files
    app.config.update(config or {})
    shop = app.config.get("SHOP") or _open(app)
    if app.config.get("WATCH"):
        shop.watch()
    app.register_blueprint(blueprint(shop, app.config.get("EXPLORE")))
    answer_in_json(app)  # what no route of the blueprint matches
    return app


def _open(app: Flask) -> Shop:
    data = app.config.get("DATA")
    shop = Shop(data_folder(str(data) if data else None))
    atexit.register(shop.close)  # logs the answers of the last half second
    return shop
