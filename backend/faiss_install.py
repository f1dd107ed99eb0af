"""FAISS comes as faiss-cpu or faiss-gpu; they overwrite each other's files, and pip can't say "one of them"."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

__all__ = ["require_one_faiss"]

_PACKAGES = ("faiss-cpu", "faiss-gpu", "faiss-gpu-cu11", "faiss-gpu-cu12", "faiss-gpu-cu13")


def require_one_faiss() -> None:
    """Raise ImportError, with the command to run, unless exactly one FAISS is installed."""
    installed = [name for name in _PACKAGES if _is_installed(name)]
    if len(installed) > 1:
        raise ImportError(
            f"{' and '.join(installed)} are both installed and overwrite each other; run:"
            f" pip uninstall -y {' '.join(installed)} && pip install 'shelfwise[cpu]'   (or 'shelfwise[gpu]')"
        )
    if not installed and find_spec("faiss") is None:  # a FAISS from conda goes by another name
        raise ImportError(
            "shelfwise needs FAISS; run: pip install 'shelfwise[cpu]'   (or 'shelfwise[gpu]' on a machine with a GPU)"
        )


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
