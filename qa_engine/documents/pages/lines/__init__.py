"""The text layer of a page: lines out of its characters, and running text out of its lines."""
