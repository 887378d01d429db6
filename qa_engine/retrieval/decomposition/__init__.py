"""Questions that ask for several things: their parts, and the passages of all of them in one list."""
