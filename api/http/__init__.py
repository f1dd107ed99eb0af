"""Read requests and write answers: parameters, bodies, guards, JSON errors. Knows no endpoint."""
