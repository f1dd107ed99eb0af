"""Replay a shop's own log day by day and measure what learning would have brought. Imports `night` and below."""
