"""Render the storefront: pages, cards, facets, the visitor's session. Imports `http`."""
