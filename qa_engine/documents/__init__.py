"""A PDF file in, one Document with its lines and sentences out."""
