"""Hold the catalogue in memory by row, and filter, sort and count it. Reads the store, ranks nothing."""
