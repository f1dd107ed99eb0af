"""FAISS comes as faiss-cpu or faiss-gpu; they overwrite each other's files, and pip can't say "one of them"."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

__all__ = ["require_one_faiss"]

_CPU, _GPU = ("faiss-cpu",), ("faiss-gpu", "faiss-gpu-cu11", "faiss-gpu-cu12", "faiss-gpu-cu13")


def require_one_faiss() -> None:
    """Raises ImportError, with the command to run, unless exactly one FAISS is installed."""
    found = [name for name in (*_CPU, *_GPU) if _installed(name)]
    if len(found) > 1:
        raise ImportError(
            f"{' and '.join(found)} are both installed and overwrite each other; run:"
            f" pip uninstall -y {' '.join(found)} && pip install 'shelfwise[cpu]'   (or 'shelfwise[gpu]')"
        )
    if not found and find_spec("faiss") is None:  # a FAISS from conda has another name, and is fine
        raise ImportError(
            "shelfwise needs FAISS; run: pip install 'shelfwise[cpu]'   (or 'shelfwise[gpu]' on a machine with a GPU)"
        )


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
