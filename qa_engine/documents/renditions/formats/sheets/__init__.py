"""Workbooks and delimited text: a sentence a row, with the names of its columns and the range of its cells."""
