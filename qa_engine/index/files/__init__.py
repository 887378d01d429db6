"""What is noted about the files of a collection, and how files are chosen by it."""
