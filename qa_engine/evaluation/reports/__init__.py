"""Reports of a run and of a comparison: Markdown, and HTML that needs no other file."""
