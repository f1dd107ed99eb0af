"""`shelfwise serve`: the HTTP door under gunicorn, several workers, no preload."""

from __future__ import annotations

from typing import Any

import click
from gunicorn.app.base import BaseApplication

from shelfwise.cli.main import Context
from shelfwise.settings import default, exploration

__all__ = ["serve_command"]

_THREADS = 4


class GunicornServer(BaseApplication):  # type: ignore[misc]
    """gunicorn, configured from here instead of from a file. Each worker opens the shop for itself, after the fork:
    FAISS and ONNX Runtime hang in a child that inherits their threads."""

    def __init__(self, data: str, options: dict[str, Any]) -> None:
        self._data, self._options = data, options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        from shelfwise.api import create_app

        return create_app({"DATA": self._data, "WATCH": True})


@click.command("serve")
@click.option("--host", envvar="SHELFWISE_HOST", default=default("SHELFWISE_HOST"), show_default=True)
@click.option("--port", envvar="SHELFWISE_PORT", default=default("SHELFWISE_PORT"), type=int, show_default=True)
@click.option(
    "--workers",
    envvar="SHELFWISE_WORKERS",
    default=default("SHELFWISE_WORKERS"),
    type=click.IntRange(min=1),
    show_default=True,
    help="Processes; each answers with several threads.",
)
@click.pass_obj
def serve_command(context: Context, host: str, port: int, workers: int) -> None:
    """Serve the HTTP API and the storefront in the foreground."""
    exploration()  # a wrong setting ends here, in one line, and not in every worker
    click.echo(f"serving {context.data} at http://{host}:{port}", err=True)
    options = {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "workers": workers,
        "worker_class": "gthread",
        "threads": _THREADS,
        "preload_app": False,
        "timeout": 60,
        "graceful_timeout": 10,
        "loglevel": "warning",
        "proc_name": "shelfwise",
        "control_socket_disable": True,  # newer gunicorns only
    }
    GunicornServer(str(context.data), options).run()
