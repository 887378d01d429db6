"""Running text in, sentences and nodes out."""
