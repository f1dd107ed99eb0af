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
    """A Flask app that serves the shop in `DATA`.

    Keys of `config`, beside Flask's own: `DATA`, the shop's directory (default: the environment's SHELFWISE_DATA, then
    `./shelfwise-data`); `SHOP`, an opened Shop to serve instead, which stays the caller's to close; `WATCH`, whether
    to open new generations in the background (default False; a server wants it, a test doesn't). The shop is opened
    here, so call it after a fork, as gunicorn does without --preload.
    """
    app = Flask(__name__, static_folder=None)  # ours are the blueprint's, which a host app mounts too
    app.config.update(config or {})
    shop = app.config.get("SHOP") or _open(app)
    if app.config.get("WATCH"):
        shop.watch()
    app.register_blueprint(blueprint(shop))
    answer_in_json(app)  # what no route of the blueprint matches
    return app


def _open(app: Flask) -> Shop:
    data = app.config.get("DATA")
    shop = Shop(data_folder(str(data) if data else None))
    atexit.register(shop.close)  # the answers of the last half second are still to be logged
    return shop
