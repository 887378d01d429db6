"""A translation and keywords that a language model adds to a question."""
