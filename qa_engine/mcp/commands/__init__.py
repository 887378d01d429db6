"""``qa-engine mcp``."""
