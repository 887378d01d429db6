"""The lexical index of a collection in a search engine."""
