"""The parameters of paths that several routes share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

Collection = Annotated[str, Path(max_length=200, description="The name of a collection.")]
FileId = Annotated[str, Path(max_length=64, description="The id of a file, as the list of files gives it.")]
