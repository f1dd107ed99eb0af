"""Judge models before they are published: test sets, metrics, the judge, drift. Imports `encoder` and `data`."""
