"""A small shop that lives through a night for all commands to ask."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import ITEMS, NOW, clicks

from support.command_line import Run, run_command


@pytest.fixture
def run() -> Run:
    """Runs `shelfwise ARGUMENTS` in this process."""
    return run_command


@pytest.fixture
def items_csv(tmp_path: Path) -> Path:
    """A catalogue under other column names, prices in cents, with a row that lacks columns."""
    return write_items(tmp_path)


def write_items(folder: Path) -> Path:
    lines = ["sku,name,cents,category,in_stock"]
    for row in ITEMS:
        cells = (
            row["id"],
            row["title"],
            f"{float(str(row['price'])) * 100:.0f}",
            row.get("category"),
            row.get("in_stock"),
        )
        lines.append(",".join("" if cell is None else str(cell) for cell in cells))
    path = folder / "items.csv"
    path.write_text("\n".join([*lines, "broken,Broken", ""]))
    return path


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> dict[str, Any]:
    """A shop from its first import to the end of its first night; what each command printed, by name."""
    folder = tmp_path_factory.mktemp("cli")
    data, events, items = folder / "data", folder / "events.jsonl", write_items(folder)
    rows = clicks("cup", "mug-red", 30)
    rows += [row | {"user": f"v{number}"} for number, row in enumerate(clicks("light", "lantern", 30))]
    events.write_text("".join(json.dumps(row, default=str) + "\n" for row in rows))
    maps = ["--map", "id=sku", "--map", "title=name", "--map", "price=cents", "--scale", "price=0.01"]
    commands = {
        "items": ["import", "items", *maps, items],
        "items again": ["--json", "import", "items", *maps, items],
        "events": ["import", "events", events],
        "events again": ["--json", "import", "events", events],
        "increment": ["increment", "--until", NOW.isoformat()],
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shelfwise.trainer.encoder.base_model.packaged_model", lambda: tiny_model)
        done = {name: run_command("--data", data, *arguments) for name, arguments in commands.items()}
    return {"data": data, "items.csv": items, **done}
