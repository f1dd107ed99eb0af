"""Show nights and replays to people: pages, summaries, curves. Imports nothing else of the trainer."""
