"""The two parsers of a page: by geometry alone, and with a layout model."""
