"""Dify's API of external knowledge: passages of a collection for the applications of Dify."""
