"""Reads one format each: the content of a file in, its elements or pages out."""
