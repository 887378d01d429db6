"""Files that are replaced as a whole."""

from __future__ import annotations

import os
from pathlib import Path


def write_atomically(path: Path, content: str | bytes) -> None:
    """Writes a file, or replaces it, so that it has the old content or the new one, whenever the machine stops.

    The folder exists. Text is written in UTF-8.

    Raises:
        OSError: the file cannot be written; it is as it was.
    """
    scratch = path.with_name(f"{path.name}.writing")
    with scratch.open("wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
