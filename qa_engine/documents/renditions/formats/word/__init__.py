"""Word documents: the parts of the file, its styles, its numbering, and the text that they make."""
