"""Tables of a page: cells out of words, and rows of text out of cells."""
