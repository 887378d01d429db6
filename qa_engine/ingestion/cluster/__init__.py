"""Reading and embedding on the workers of a Ray cluster."""
