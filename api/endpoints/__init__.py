"""SearchResult the JSON endpoints, one file each. Imports `http`."""
