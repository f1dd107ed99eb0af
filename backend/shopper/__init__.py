"""Describe one shopper by their own events: items, rhythm, shares of brands, prices, interests. No ranking here.

Imports neither `search` nor `recommend`, which both read it.
"""
