"""The command line: the composition root, the only package that may import every room; trainer and API only within
functions."""
