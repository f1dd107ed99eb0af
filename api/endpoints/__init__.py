"""The JSON endpoints, a file for each path. Imports `http` and the backend; never the storefront."""
