"""Normalise text: Unicode forms, words, units, product variants. Pure functions: no SQL, no numpy, no files."""
