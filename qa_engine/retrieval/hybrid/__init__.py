"""Sentences for a question: found by their vectors and by their words, in one or several collections, and fused."""
