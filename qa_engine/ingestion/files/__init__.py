"""The files of a collection: their state on the disk, their metadata, and what has changed."""
