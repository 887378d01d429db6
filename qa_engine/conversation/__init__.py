"""Follow-up questions: a conversation ─▶ a question that stands alone."""
