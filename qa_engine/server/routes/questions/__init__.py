"""Questions, their answers, conversations and feedback."""
