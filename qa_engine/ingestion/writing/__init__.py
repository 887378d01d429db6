"""Writes what was read: nodes, token vectors, catalog, and the published state."""
