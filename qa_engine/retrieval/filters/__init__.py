"""Filters of a question: how they are written, which files they admit, and what they ask of a sentence."""
