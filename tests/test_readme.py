"""The README keeps its word: its Python blocks run in their order, its commands and links exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from shelfwise.cli.main import cli
from shelfwise.settings import SETTINGS

README = (ROOT / "README.md").read_text()


@pytest.mark.real
def test_the_python_blocks_run_in_their_order(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 3
    program = "\n".join(blocks) + "\nassert app.test_client().get('/find/search?q=heart').json['hits']\n"
    done = subprocess.run([sys.executable, "-P", "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "White Hanging Heart T-Light Holder" in done.stdout


def test_every_command_is_in_the_readme() -> None:
    for name in cli.list_commands(None):  # type: ignore[arg-type]
        assert re.search(rf"`{name}\b", README), name


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_every_make_target_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for targets in re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE):
        for target in targets.split():
            assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE), target


def test_every_setting_is_in_the_readme_as_it_is() -> None:
    for setting in SETTINGS:
        assert f"| `{setting.name}` | `{setting.default}` | {setting.help} |" in README
