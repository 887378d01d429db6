"""Reads and embeds files on the workers of a Ray cluster (extra `ray`)."""
