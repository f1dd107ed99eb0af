"""The storefront's pages: cards, facets, the visitor's session. Imports `http` and the backend; never `endpoints`."""
