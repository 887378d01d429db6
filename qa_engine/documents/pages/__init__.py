"""One page of a PDF in, its blocks in reading order out."""
