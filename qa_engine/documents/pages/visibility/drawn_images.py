"""Tells whether a page may draw an image over its text, by what draws it: to walk the page takes longer."""

from __future__ import annotations

import re
from typing import Any

_DRAWN = re.compile(rb"/([^\s/<>\[\]()%]+)\s+Do\b")
_REFERENCE = re.compile(r"(\d+) 0 R")
_MANY = 3
_FEW = 400
"""Characters of a list of about 20 objects."""


def may_draw_image(page: Any, contents: bytes) -> bool:
    """Whether an image without a mask may be drawn after text. One with a mask, as a seal on a contract, lets text show.

    A form of more than a few objects is a drawing: it takes longer to look for images in it than to read the page.
    """
    last = max(contents.rfind(b" Do"), contents.rfind(b"\nDo"))
    starts = [
        start
        for start in (contents.find(b"Tj", 0, last + 1), contents.find(b"TJ", 0, last + 1))
        if start >= 0
    ]
    if not starts:
        return False
    value = page.parent.xref_get_key
    names = set(_DRAWN.findall(contents, min(starts)))
    if len(names) > _MANY:
        return any(not image[1] for image in page.get_images())
    for name in names:
        key = f"Resources/XObject/{name.decode('latin-1')}"
        if value(page.xref, f"{key}/Subtype")[1] == "/Form":
            objects = value(page.xref, f"{key}/Resources/XObject")[1]
            inside = [int(xref) for xref in _REFERENCE.findall(objects)] if len(objects) < _FEW else []
            images = [xref for xref in inside if value(xref, "Subtype")[1] == "/Image"]
            if any(value(xref, "SMask")[1] == "null" for xref in images):
                return True
        elif value(page.xref, f"{key}/SMask")[1] == "null":
            return True
    return False
