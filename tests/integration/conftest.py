"""Fixtures of the end-to-end tests: a stocked shop and nights that train nothing."""

from __future__ import annotations

from support.stocked_shop import refused, stocked, stocked_folder

__all__ = ["refused", "stocked", "stocked_folder"]
