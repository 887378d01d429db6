"""What is checked of an answer: citations, refusal, language, numbers and names."""
