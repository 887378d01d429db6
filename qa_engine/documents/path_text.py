"""Paths as text that every store takes, and back."""

from __future__ import annotations

import os
import re
from pathlib import Path


def path_text(path: Path | str) -> str:
    """A path, or a message that names one, as text that any store takes, also if the name is not valid UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def text_path(text: str) -> Path:
    """The path that `path_text` gave this text for, if there is a file there; else the text as it is."""
    if "\\x" in text and not os.path.lexists(text):
        octets = re.sub(rb"\\x([0-9a-f]{2})", lambda match: bytes([int(match[1], 16)]), text.encode())
        if os.path.lexists(octets):
            return Path(os.fsdecode(octets))
    return Path(text)
