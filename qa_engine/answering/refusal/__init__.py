"""Refusing: what a question names and the documents lack, and how probable it is that passages hold the answer."""
