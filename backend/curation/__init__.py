"""Apply what the shop's owner says: synonyms and merchandising rules, validated, indexed and followed."""
