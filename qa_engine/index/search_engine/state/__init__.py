"""The state of a collection in a search engine: its log, the replicas of its catalog, and the right to write."""
