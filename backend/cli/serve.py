"""`shelfwise serve`: the HTTP API and the storefront under gunicorn, several workers, no preload."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click
from gunicorn.app.base import BaseApplication

from shelfwise.cli.main import Context
from shelfwise.settings import exploration, setting

__all__ = ["serve_command"]

_THREADS = 4
_TIMEOUT_SECONDS, _SHUTDOWN_SECONDS = 60, 10


class GunicornServer(BaseApplication):  # type: ignore[misc]
    """gunicorn, configured from here instead of from a file. Each worker opens the shop for itself, after the fork:
    FAISS and ONNX Runtime hang in a process that inherits their threads."""

    def __init__(self, app_config: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        self._app_config, self._options = app_config, options
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's options, those that its version knows."""
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """Return the Flask app of one worker."""
        from shelfwise.api import create_app

        return create_app(self._app_config)


def _option(flag: str, **attributes: Any) -> Callable[..., Any]:
    """Return an option whose variable, default and help are those of the setting of its name."""
    row = setting(f"SHELFWISE_{flag.removeprefix('--').upper()}")
    return click.option(
        flag, envvar=row.name, default=row.default, help=row.help, show_default=True, show_envvar=True, **attributes
    )


@click.command("serve")
@_option("--host")
@_option("--port", type=int)
@_option("--workers", type=click.IntRange(min=1))
@_option("--explore", type=click.FloatRange(0, 1))
@click.pass_obj
def serve_command(context: Context, host: str, port: int, workers: int, explore: float) -> None:
    """Serve the HTTP API and the storefront in the foreground."""
    app_config = {"DATA": str(context.data), "WATCH": True, "EXPLORE": exploration(explore)}
    click.echo(f"serving {context.data} at http://{host}:{port}", err=True)
    options = {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "workers": workers,
        "worker_class": "gthread",
        "threads": _THREADS,
        "preload_app": False,
        "timeout": _TIMEOUT_SECONDS,
        "graceful_timeout": _SHUTDOWN_SECONDS,
        "loglevel": "warning",
        "proc_name": "shelfwise",
        "control_socket_disable": True,  # newer gunicorns only
    }
    GunicornServer(app_config, options).run()
