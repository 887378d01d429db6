"""The files of a collection: what has changed, and what is known about them."""
