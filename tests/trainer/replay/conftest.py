"""The replay that most tests of a module look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def plain(
    request: pytest.FixtureRequest, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """The folder and the report of the module's own `run` with its defaults."""
    folder = tmp_path_factory.mktemp("replay") / "plain"
    return folder, request.module.run(folder, tiny_model)
