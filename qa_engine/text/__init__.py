"""The language, the numbers and the terms of texts; citation marks, and other marks in what models write."""
