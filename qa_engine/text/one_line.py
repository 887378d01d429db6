"""Texts shown on one line: in messages, prompts, tables and paths."""

from __future__ import annotations


def one_line(text: str, max_chars: int | None = None) -> str:
    """A text without line breaks, and with one blank where there were several.

    Args:
        text: any text.
        max_chars: characters after which the rest becomes ``…``; None for all of it.

    Example:
        >>> one_line("a  long\\n text"), one_line("a  long\\n text", 6)
        ('a long text', 'a long…')
    """
    line = " ".join(text.split())
    return line if max_chars is None or len(line) <= max_chars else line[:max_chars] + "…"


def is_text(text: str) -> bool:
    """Whether a text can be written in UTF-8; the lone surrogates that undecodable bytes of a command line become cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def first_line(text: object) -> str:
    """The first line of a text that is not blank, such as the first of an error's message; empty if there is none."""
    return next((line.strip() for line in str(text).splitlines() if line.strip()), "")
