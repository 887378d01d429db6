"""Changes of a collection without reading a file: deletion, rebuilding, new vectors."""
