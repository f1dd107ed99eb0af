"""The seed of the random choices that are the same on every night: evaluation, noise floor; a night adds its parent."""

from __future__ import annotations

__all__ = ["SEED"]

SEED = 20_111
