"""The HTTP door of a shop and its pages: `create_app` for a server of its own, `blueprint` to mount in another app."""

from __future__ import annotations

from shelfwise.api.app import create_app
from shelfwise.api.blueprint import blueprint

__all__ = ["blueprint", "create_app"]
