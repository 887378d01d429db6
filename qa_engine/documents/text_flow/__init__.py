"""The running text of a file: its pieces, and the text that they make with the places of everything in it."""
