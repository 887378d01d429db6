"""Pages of a PDF in, blocks with their roles in reading order out."""
