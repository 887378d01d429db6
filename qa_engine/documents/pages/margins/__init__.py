"""The margins of pages: what in them belongs to the page and not to the text."""
