"""The HTTP API of a shop and its storefront: `create_app` serves them alone, `blueprint` mounts them in another app.

Imports the backend, Flask and the standard library: never the trainer, the index or torch. No SQL.
"""

from __future__ import annotations

from shelfwise.api.app import create_app
from shelfwise.api.blueprint import blueprint

__all__ = ["blueprint", "create_app"]
