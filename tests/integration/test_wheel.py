"""The built wheel, installed beside a shop that has packages of its own named `api` and `backend`."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

_SHOP = """
import api, backend
assert api.WHOSE == backend.WHOSE == "the shop's own"
import shelfwise, shelfwise.api, shelfwise.index, shelfwise.store, shelfwise.cli.main
assert "site-packages" in shelfwise.__file__, shelfwise.__file__
from shelfwise import Shop
with Shop("data") as shop:
    shop.upsert([{"id": 1, "title": "Red mug"}])
    assert shop.search("mug").hits[0].id == "1"
    client = shelfwise.api.create_app({"SHOP": shop}).test_client()
    page = client.get("/?q=mug")
    assert page.status_code == 200 and "Red mug" in page.text
    assert client.get("/shelfwise-static/shelfwise.css").status_code == 200
print("both work")
"""


@pytest.mark.real
def test_wheel_beside_packages_of_the_same_names_works(tmp_path: Path) -> None:
    run(
        tmp_path,
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(tmp_path / "dist"),
        str(ROOT),
    )
    (wheel,) = (tmp_path / "dist").glob("shelfwise-*.whl")
    top_level = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in top_level if not name.endswith(".dist-info")} == {"shelfwise"}

    run(tmp_path, sys.executable, "-m", "venv", "--without-pip", "clean")
    python = tmp_path / "clean" / "bin" / "python"
    packages = next((tmp_path / "clean").glob("lib/python*/site-packages"))
    run(tmp_path, sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(packages), str(wheel))
    # What shelfwise needs is taken from here; shelfwise itself, found first, from the wheel.
    (packages / "needs.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")

    shop = tmp_path / "shop"
    for package in ("api", "backend"):
        (shop / package).mkdir(parents=True)
        (shop / package / "__init__.py").write_text('WHOSE = "the shop\'s own"\n')
    (shop / "main.py").write_text(_SHOP)
    assert "both work" in run(shop, str(python), "main.py")


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
