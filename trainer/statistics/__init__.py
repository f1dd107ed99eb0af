"""Count what a generation holds beside its encoder: popularity, item links and signals, query memory, vectors."""
