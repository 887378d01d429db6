"""Answers by a language model: the prompt, the calls, and the form of the reply."""
