"""The order of candidate passages: how relevant each is, and what it adds to those before it."""
