"""Passages in, a Chinese answer with citations out."""
