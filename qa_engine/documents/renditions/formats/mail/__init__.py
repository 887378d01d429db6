"""Mails: their head, their text and the files that are attached to them."""
