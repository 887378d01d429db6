"""Tells the text that a page shows from text that nobody sees, struck text and watermarks."""
