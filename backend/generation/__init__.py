"""Read and publish what a night makes: the registry on disk, and each artifact with its save and load.

Knows neither queries nor ranking; whoever serves or trains imports it.
"""
