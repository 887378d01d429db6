"""Passages: the sentences around hits, read, put together, and given their files, tables and places."""
