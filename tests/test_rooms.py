"""The laws of the house: which package may import which, how large files get, and that every room explains itself."""

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
ROOT_MODULES = "root"  # the modules beside the packages of backend/: nouns, errors, settings, validation
# Each package and what it may import of ours, beside the root modules; the order is from the ground floor up, so that a
# table which keeps it has no circle.
ALLOWED: dict[str, set[str]] = {
    "index": set(),
    "root": set(),
    "text": set(),
    "ranking": set(),
    "store": {"text"},
    "catalogue": {"store", "text"},
    "generation": {"catalogue", "store"},
    "query": {"generation", "store", "text"},
    "curation": {"catalogue", "query", "store", "text"},
    "shopper": {"catalogue", "index", "store"},
    "search": {"shopper", "curation", "query", "generation", "catalogue", "ranking", "index", "store", "text"},
    "recommend": {"shopper", "curation", "generation", "catalogue", "ranking", "index", "store"},
    "serving": {"search", "recommend", "generation", "catalogue", "index", "store"},
    "privacy": {"generation", "store"},
}
ALLOWED["shop"] = set(ALLOWED) - {"root"}
ALLOWED["ingest"] = {"shop"}
_BACKEND = set(ALLOWED) - {"root"}
ALLOWED |= {
    "trainer.data": _BACKEND,
    "trainer.export": _BACKEND,
    "trainer.reports": _BACKEND,
    "trainer.encoder": _BACKEND | {"trainer.data"},
    "trainer.evaluation": _BACKEND | {"trainer.encoder", "trainer.data"},
    "trainer.statistics": _BACKEND | {"trainer.evaluation", "trainer.data"},
    "trainer.rankers": _BACKEND | {"trainer.statistics", "trainer.evaluation", "trainer.export", "trainer.data"},
}
ALLOWED["trainer.night"] = set(ALLOWED) - {"root"}
ALLOWED["trainer.replay"] = _BACKEND | {"trainer.night", "trainer.evaluation", "trainer.statistics", "trainer.reports"}
ALLOWED["trainer"] = {"trainer.encoder", "trainer.night", "trainer.replay"}
_FOR_API = _BACKEND - {"index", "ingest"}
ALLOWED |= {
    "api.http": _FOR_API,
    "api.endpoints": _FOR_API | {"api.http"},
    "api.storefront": _FOR_API | {"api.http"},
    "api": _FOR_API | {"api.http", "api.endpoints", "api.storefront"},
}
ALLOWED["cli"] = set(ALLOWED) - {"root"}  # the composition root; trainer and api only within functions
MAX_FILES, MAX_LINES = 18, 300  # of a folder of code, of a file
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


def package_of(module: str) -> str | None:
    """The package of the table that a module lies in; None for what is not ours."""
    parts = module.split(".")
    if parts[0] != "shelfwise":
        return None
    if len(parts) == 1:
        return ROOT_MODULES
    if parts[1] in ("trainer", "api"):
        inner = ".".join(parts[1:3])
        return inner if inner in ALLOWED else parts[1]
    if parts[1] in ("Shop", "answers"):  # `from shelfwise import Shop` names the façade by what it takes
        return "shop"
    return parts[1] if parts[1] in ALLOWED else ROOT_MODULES


def module_of(path: Path) -> str:
    """The import name of a source file."""
    name = dotted(path.parent)
    return name if path.name == "__init__.py" else f"{name}.{path.stem}"


def imported_packages(path: Path) -> Iterator[tuple[Import, str]]:
    """Each import of ours with its package; `from package import name` counts once, as the module that it names."""
    for found in imports(path):
        package = package_of(found.module)
        if package is not None and not (found.module == "shelfwise" and path.name != "__init__.py"):
            yield found, package


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
    modules = ("shelfwise.Shop", "shelfwise.errors", "shelfwise.store.items", "shelfwise.api.http.guards", "numpy")
    assert [package_of(name) for name in modules] == ["shop", "root", "store", "api.http", None]
    assert len(SOURCES) > 40


@each(SOURCES)
def test_a_package_imports_only_what_it_may(path: Path) -> None:
    own = package_of(module_of(path))
    if path == ROOT / "backend" / "__init__.py":
        own = "shop"  # what everybody imports: the façade
    assert own is not None
    for found, target in imported_packages(path):
        if target in (own, ROOT_MODULES):
            continue
        where = f"{path.relative_to(ROOT)}:{found.line}: {own} imports {found.module} of {target}"
        assert target in ALLOWED[own] | ({"shop"} if own == "shop" else set()), where
        if own == "cli" and target.split(".")[0] in LAZY:
            assert found.lazy, f"{where} at its top, where only a function may"


def test_the_table_has_no_circle_and_no_import_upwards() -> None:
    below: set[str] = set()
    for package, allowed in ALLOWED.items():
        assert allowed <= below, f"{package} may import {allowed - below}, which stand above it"
        below.add(package)
    assert {package_of(module_of(path)) for path in SOURCES} <= set(ALLOWED)


def test_no_files_import_each_other_in_a_circle() -> None:
    modules = {module_of(path): path for path in SOURCES if path.name != "__init__.py"}
    reads = {name: {found.module for found in imports(path)} & set(modules) - {name} for name, path in modules.items()}
    while True:  # take away what imports nothing that is left
        free = {name for name, read in reads.items() if not read & set(reads)}
        if not free:
            break
        reads = {name: read for name, read in reads.items() if name not in free}
    assert sorted(reads) == []


@each(sorted({path.parent for path in SOURCES}))
def test_a_folder_of_code_can_be_surveyed(path: Path) -> None:
    assert len(list(path.glob("*.py"))) <= MAX_FILES


@each(SOURCES)
def test_a_file_can_be_read_at_once(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_LINES


@each([path for path in sorted((ROOT / "tests").rglob("test_*.py")) if path.relative_to(ROOT).parts[1] in ROOMS])
def test_a_test_file_is_named_after_its_source(path: Path) -> None:
    """`test_shop_search.py` tests `shop.py`: a long test may be split by what it is about."""
    folder = ROOT / path.parent.relative_to(ROOT / "tests")
    stems = [source.stem for source in folder.glob("*.py")]
    name = path.stem.removeprefix("test_")
    assert any(name == stem or name.startswith(f"{stem}_") for stem in stems), f"{folder} holds no source for {name}"


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
    imported = [found for found in imports(path / "__init__.py") if package_of(found.module)]
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
