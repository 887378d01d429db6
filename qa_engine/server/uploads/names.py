"""Names of uploaded files: what a client sends as a name is only a name, and never a path."""

from __future__ import annotations

import re
import unicodedata

from qa_engine.server.problems import ProblemError

_MAX_BYTES = 255
_SEPARATORS = re.compile(r"[/\\]")
_NOT_SHOWN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories of control characters, of those that change the direction of text, and of separators of lines."""


def file_name_of(sent: str) -> str:
    """The name under which an uploaded file is known: without folders and control characters, in NFC.

    Args:
        sent: what the client sent.

    Raises:
        ProblemError: ``invalid_request``; nothing is left of it, or it has more than 255 bytes.

    Example:
        >>> file_name_of("../../年报\\n2024.pdf")
        '年报2024.pdf'
    """
    last = _SEPARATORS.split(sent)[-1]
    shown = "".join(character for character in last if unicodedata.category(character) not in _NOT_SHOWN)
    name = unicodedata.normalize("NFC", shown).strip()
    if name in {"", ".", ".."}:
        raise ProblemError("invalid_request", f"{sent!r} is no name for a file.", "Name the file.")
    size = len(name.encode())
    if size > _MAX_BYTES:
        raise ProblemError(
            "invalid_request",
            f"The name {name[:20]!r}… has {size} bytes, and {_MAX_BYTES} are allowed.",
            "Give the file a shorter name.",
        )
    return name
