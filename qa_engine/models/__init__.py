"""Embedding, reranker and language models, chosen by configuration."""
