"""A PDF file in, one document with the places of its lines and its sentences out."""
