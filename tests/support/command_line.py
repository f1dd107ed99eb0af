"""Calls `shelfwise` as the console script does, in this process."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from shelfwise.cli.main import main

__all__ = ["Done", "Run", "run_command"]


class Done(NamedTuple):
    """How a command ended: its exit code and what it printed to both streams."""

    code: int
    out: str
    err: str

    @property
    def body(self) -> Any:
        """Return what it printed as JSON."""
        return json.loads(self.out)


Run = Callable[..., Done]


def run_command(*arguments: object, stdin: bytes = b"") -> Done:
    """Run `shelfwise ARGUMENTS`, without the seconds that loading torch in another process would take."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["shelfwise", *map(str, arguments)])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(stdin))))  # type: ignore[arg-type]
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Done(code, out.getvalue(), err.getvalue())
