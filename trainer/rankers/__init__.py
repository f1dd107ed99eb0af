"""Train the rankers of searches and of `for-you` on point-in-time examples. Imports `statistics` and below."""
