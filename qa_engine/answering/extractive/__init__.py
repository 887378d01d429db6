"""Answers without a language model: quotations in a Chinese frame."""
