"""Read files into a shop: CSV and JSONL rows, mapped, validated and reported by line. Imports `shop` and below."""
