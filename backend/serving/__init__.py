"""Open a generation in this process, keep it current, and read the facts about a shopper for an answer."""
