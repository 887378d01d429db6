"""Words of a question in the other language, by the dictionary CC-CEDICT."""
