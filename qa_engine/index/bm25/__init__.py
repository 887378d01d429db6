"""The lexical index of a collection: BM25 over segments."""
