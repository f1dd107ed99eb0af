"""Exactly one FAISS: none or two end in an ImportError with the command to run."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError

import pytest

from shelfwise import faiss_install

Pretend = Callable[..., None]


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Pretend:
    """Replaces what is installed: names of packages, and whether `import faiss` finds anything."""

    def run(packages: list[str], importable: bool) -> None:
        def version(name: str) -> str:
            if name not in packages:
                raise PackageNotFoundError(name)
            return "1.15.1"

        monkeypatch.setattr(faiss_install, "version", version)
        monkeypatch.setattr(faiss_install, "find_spec", lambda name: object() if importable else None)

    return run


@pytest.mark.parametrize("packages", [["faiss-cpu"], ["faiss-gpu"], ["faiss-gpu-cu12"], []])
def test_one_faiss_of_any_name_passes(pretend: Pretend, packages: list[str]) -> None:
    pretend(packages, importable=True)
    faiss_install.require_one_faiss()


def test_no_faiss_raises(pretend: Pretend) -> None:
    pretend([], importable=False)
    with pytest.raises(ImportError, match=r"run: pip install 'shelfwise\[cpu\]'"):
        faiss_install.require_one_faiss()


@pytest.mark.parametrize("packages", [["faiss-cpu", "faiss-gpu"], ["faiss-cpu", "faiss-gpu-cu12"]])
def test_two_packages_of_faiss_raise(pretend: Pretend, packages: list[str]) -> None:
    pretend(packages, importable=True)
    with pytest.raises(ImportError, match=f"run: pip uninstall -y {' '.join(packages)} && pip install"):
        faiss_install.require_one_faiss()
