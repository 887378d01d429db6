"""Metrics of retrieval, answers, citations and refusals, and how certain they are."""
