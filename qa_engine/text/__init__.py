"""Text alone: its language, its numbers, its terms, and what models write around it."""
