"""Read requests and write responses: parameters, bodies, guards, JSON errors. Knows no endpoint."""
