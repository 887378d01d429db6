"""The local embedding model, multilingual-e5-small: its preparation and its encoder."""
