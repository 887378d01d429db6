"""Files in, nodes in the index out."""
