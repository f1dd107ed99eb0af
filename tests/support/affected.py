"""Print the test files of what changed, for `make test-fast`: the sources' own tests and those that import them.

Changed is what differs from the last commit, untracked files too; in a clean tree, what the last commit changed.
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterable
from pathlib import Path

__all__ = ["affected", "changed_files"]

ROOT = Path(__file__).parents[2]
ROOMS = {"backend": "shelfwise", "index": "shelfwise.index", "trainer": "shelfwise.trainer", "api": "shelfwise.api"}
ALWAYS = ("tests/test_rooms.py",)  # the laws: seconds, and true of every change


def changed_files(root: Path = ROOT) -> list[str]:
    """Return the changed paths, relative to `root`."""
    uncommitted = [*_git(root, "diff", "--name-only", "HEAD"), *_git(root, "ls-files", "-o", "--exclude-standard")]
    return uncommitted or _git(root, "diff", "--name-only", "HEAD~1")


def affected(changed: Iterable[str], root: Path = ROOT) -> list[str]:
    """Return the test files to run for these changed paths, relative to `root`, sorted."""
    paths = [Path(path) for path in changed]
    modules = {name for path in paths if (name := _module(path))}
    tests = {
        path.relative_to(root).as_posix()
        for path in sorted((root / "tests").rglob("test_*.py"))
        if path.relative_to(root) in paths or modules & _imported(path) or _is_beside(path.relative_to(root), paths)
    }
    return sorted({*tests, *ALWAYS})


def _is_beside(test: Path, changed: list[Path]) -> bool:
    """Return whether the test mirrors a changed source, shares its folder with a conftest, or renders a template."""
    for path in changed:
        mirrored = Path("tests") / path.parent
        if path.suffix == ".py" and test.parent == mirrored and test.stem.startswith(f"test_{path.stem}"):
            return True
        if path.name == "conftest.py" and path.parent in test.parents:
            return True
        if path.suffix in (".html", ".js", ".css") and Path("tests") / path.parents[1] == test.parent:
            return True
    return False


def _module(path: Path) -> str | None:
    """Return the name that tests import a source or a test helper by."""
    if path.suffix != ".py":
        return None
    parts = path.with_suffix("").parts
    if parts[:2] == ("tests", "support"):
        return ".".join(parts[1:])
    return ".".join([ROOMS[parts[0]], *parts[1:]]) if parts[0] in ROOMS else None


def _imported(path: Path) -> set[str]:
    """Return the modules that a test file imports, wherever the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


def _git(root: Path, *arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


if __name__ == "__main__":
    print("\n".join(affected(changed_files())))
