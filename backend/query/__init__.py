"""Understand queries and complete them: strings in, terms out. Knows vocabulary and synonyms, finds no item."""
