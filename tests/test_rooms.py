"""The laws of the house: which room may import which, what is exported, and that every room explains itself."""

from __future__ import annotations

import ast
import configparser
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = {"index": "shelfwise.index", "trainer": "shelfwise.trainer", "api": "shelfwise.api", "backend": "shelfwise"}
ALLOWED = {
    "index": {"index"},
    "backend": {"backend", "index"},
    "trainer": {"trainer", "backend", "index"},
    "api": {"api", "backend"},
}
LAZY = {"trainer", "api"}  # what the command line may import too, within functions
TRAINING = {"torch", "sentence_transformers", "transformers", "datasets", "accelerate"}
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
PACKAGES = sorted({path.parent for path in SOURCES if path.name == "__init__.py"})


@dataclass(frozen=True)
class Import:
    """One imported module; `lazy` if it stands within a function, `level` > 0 if it is relative."""

    module: str
    line: int
    lazy: bool
    level: int


def imports(path: Path) -> list[Import]:
    return list(_imports(ast.parse(path.read_text()), lazy=False))


def _imports(node: ast.AST, lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(name.name, child.lineno, lazy, 0) for name in child.names)
        elif isinstance(child, ast.ImportFrom):
            module = child.module or ""
            yield Import(module, child.lineno, lazy, child.level)
            # `from shelfwise import trainer` names a module by what it takes
            yield from (Import(f"{module}.{name.name}", child.lineno, lazy, child.level) for name in child.names)
        elif isinstance(child, ast.Call):
            named = child.args[0] if child.args else None
            if _called(child) in ("import_module", "__import__") and isinstance(named, ast.Constant):
                yield Import(str(named.value), child.lineno, lazy, 0)
        yield from _imports(child, lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def room_of(module: str) -> str | None:
    """The room of an imported module; None for what is not ours."""
    parts = module.split(".")
    if parts[0] != "shelfwise":
        return None
    return parts[1] if len(parts) > 1 and parts[1] in ROOMS and parts[1] != "backend" else "backend"


def dotted(folder: Path) -> str:
    room, *rest = folder.relative_to(ROOT).parts
    return ".".join([ROOMS[room], *rest])


def each(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.relative_to(ROOT).as_posix())


def test_the_imports_are_read() -> None:
    """The test below would pass on nothing, too."""
    tree = ast.parse(
        "import torch.nn as nn\nfrom shelfwise import trainer\nfrom . import a\n"
        "def f():\n    from shelfwise.api import create_app\n    import_module('shelfwise.trainer.night.commands')\n"
    )
    found = {(found.module, found.lazy, found.level) for found in _imports(tree, lazy=False)}
    assert {
        ("torch.nn", False, 0), ("shelfwise.trainer", False, 0), ("", False, 1), ("shelfwise.api", True, 0),
        ("shelfwise.trainer.night.commands", True, 0),
    } <= found  # fmt: skip
    assert [room_of(name) for name in ("shelfwise", "shelfwise.store.items", "shelfwise.api.app", "numpy")] == [
        "backend", "backend", "api", None,
    ]  # fmt: skip
    assert len(SOURCES) > 40


@each(SOURCES)
def test_a_room_imports_only_what_it_may(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    is_command_line = path.relative_to(ROOT).parts[:2] == ("backend", "cli")
    for found in imports(path):
        target = room_of(found.module)
        if target is None or target in ALLOWED[room]:
            continue
        where = f"{path.relative_to(ROOT)}:{found.line} imports {found.module}"
        assert is_command_line and target in LAZY, where
        assert found.lazy, f"{where} at its top, where only a function may"


@each([path for path in SOURCES if "trainer" not in path.relative_to(ROOT).parts[:1]])
def test_only_the_trainer_imports_torch(path: Path) -> None:
    heavy = [found for found in imports(path) if found.module.split(".")[0] in TRAINING]
    assert heavy == []


@each(SOURCES)
def test_imports_are_absolute_and_go_through_shelfwise(path: Path) -> None:
    found = imports(path)
    assert [one for one in found if one.level] == []
    assert [one for one in found if one.module.split(".")[0] in ROOMS] == []


@each([path for path in SOURCES if path.relative_to(ROOT).parts[0] != "index"])
def test_faiss_is_called_in_the_index_only(path: Path) -> None:
    assert [found for found in imports(path) if found.module.split(".")[0] == "faiss"] == []


@each([path for path in SOURCES if path.relative_to(ROOT).parts[:2] != ("backend", "store")])
def test_sql_is_spoken_in_the_store_only(path: Path) -> None:
    drivers = {"sqlite3", "pysqlite3", "sqlite_utils"}
    assert [found for found in imports(path) if found.module.split(".")[0] in drivers] == []


@each(PACKAGES)
def test_what_a_package_exports_is_real_and_sorted(path: Path) -> None:
    package = importlib.import_module(dotted(path))
    imported = [found for found in imports(path / "__init__.py") if room_of(found.module)]
    exported = getattr(package, "__all__", None)
    assert (exported is not None) == bool(imported), "a package that imports its parts says which of them are public"
    for name in exported or []:
        assert hasattr(package, name), name
    assert list(exported or []) == sorted(set(exported or []))


@each([path for path in SOURCES if path.name != "__init__.py"])
def test_what_a_module_exports_is_real(path: Path) -> None:
    tree = ast.parse(path.read_text())
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    exported: list[str] = []
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        names = {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
        defined |= names
        if "__all__" in names and isinstance(node, ast.Assign):
            exported = ast.literal_eval(node.value)
    assert set(exported) <= defined
    assert not [name for name in exported if name.startswith("_")]


def test_every_package_is_installed() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    named = config["options"]["packages"].split()
    assert sorted(named) == sorted(dotted(path) for path in PACKAGES)
    folders = dict(line.replace(" ", "").split("=") for line in config["options"]["package_dir"].strip().splitlines())
    assert folders == {name: folder for folder, name in ROOMS.items()}


@each(sorted({path.parent for path in SOURCES}))
def test_every_folder_of_code_is_a_package(path: Path) -> None:
    assert (path / "__init__.py").is_file()


def test_no_file_shadows_a_room() -> None:
    assert [name for name in ROOMS if (ROOT / "backend" / f"{name}.py").exists()] == []


@each([ROOT / name for name in (*ROOMS, "backend/store", "tests", "bench")])
def test_every_room_explains_itself(path: Path) -> None:
    readme = path / "README.md"
    assert readme.is_file()
    assert "**Law.**" in readme.read_text()
    assert "**Data flow.**" in readme.read_text()


@each(PACKAGES)
def test_every_package_states_its_law(path: Path) -> None:
    assert ast.get_docstring(ast.parse((path / "__init__.py").read_text()))


@each(sorted(
    path for room in ROOMS for path in (ROOT / room).rglob("*")
    if path.suffix in (".py", ".md", ".html", ".js", ".css", ".json", ".typed")
))  # fmt: skip
def test_no_source_knows_a_machine(path: Path) -> None:
    found = re.findall(r"""(?<![\w.)\]}/-])/(?:work|tmp|home|root|Users|var)(?=[/"'\s]|$)""", path.read_text())
    assert found == []
