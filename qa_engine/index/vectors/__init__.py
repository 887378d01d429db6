"""Sentence nodes and their vectors in Chroma, in a folder or on a server."""
