"""The files that the web page loads, under addresses that change with their content."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from posixpath import dirname, normpath

_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_IMPORT = re.compile(r'^(?:import\b[^;]*?|export\b[^;]*? from |\} from )"(\.[^"]+)";', re.MULTILINE)
"""An import by a relative path, as these modules write it; those by name are the libraries."""


@dataclass(frozen=True)
class Asset:
    """A file that the page loads.

    Attributes:
        path: below the folder of all of them, such as ``js/main.js``.
        media_type: of its content.
        content: its bytes.
        compressed: the same by gzip.
    """

    path: str
    media_type: str
    content: bytes
    compressed: bytes


@dataclass(frozen=True)
class Assets:
    """All files that the page loads.

    Attributes:
        digest: names this state of all of them; it is a part of their addresses, so they may be cached for ever.
        files: by path, in order.
    """

    digest: str
    files: dict[str, Asset]

    def with_imports(self, *paths: str) -> list[str]:
        """Some modules and all that they import at once, in order, so that a browser can fetch them side by side."""
        found, left = set[str](), list(paths)
        while left:
            if (path := left.pop()) not in found:
                found.add(path)
                text = self.files[path].content.decode()
                left += [normpath(f"{dirname(path)}/{name}") for name in _IMPORT.findall(text)]
        return sorted(found)


@cache
def read_assets() -> Assets:
    """Reads the files of the package, once in a process."""
    found = {
        path: Asset(path, media_type, content, gzip.compress(content, mtime=0))
        for path, content in sorted(_contents(files(__package__) / "static", ""))
        if (media_type := _TYPES.get(path[path.rfind(".") :])) is not None
    }
    digest = hashlib.sha256()
    for asset in found.values():
        digest.update(f"{asset.path}\0{len(asset.content)}\0".encode() + asset.content)
    return Assets(digest.hexdigest()[:16], found)


def _contents(folder: Traversable, above: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _contents(entry, f"{above}{entry.name}/")
        else:
            yield f"{above}{entry.name}", entry.read_bytes()
