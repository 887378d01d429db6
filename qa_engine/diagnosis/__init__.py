"""Finds out what is wrong with an installation and its collections. Changes nothing."""
