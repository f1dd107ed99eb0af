"""Open a generation in this process, keep it current, and read the shopper's data for an answer."""
