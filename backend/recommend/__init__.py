"""Run one recommendation: candidates of each kind, the ranker of `for-you`, reasons.

Imports neither `search` nor `serving`.
"""
