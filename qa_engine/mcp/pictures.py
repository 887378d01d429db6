"""Pictures of pages, small enough for the programs that show them.

The client of the protocol's own SDK gives up an event of more than a megabyte. So pages are PNG if they are small enough, as
most pages of text are; scans become JPEG, and what is still too large has fewer points.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

import mcp_types as types

from qa_engine.documents.pdf.rendering import PageBox
from qa_engine.index.records import FileRecord
from qa_engine.mcp.library import Library

MAX_BYTES = 700_000
"""Of all pictures of a result, before base64 makes a third more of them."""
_RESOLUTIONS = (110, 72)
_JPEG_QUALITY = 75
_PNG = b"\x89PNG"


async def page_pictures(
    library: Library, record: FileRecord, boxes: Sequence[PageBox]
) -> dict[int, bytes | None]:
    """Pictures of the pages that boxes are on, with these marked; None for one that is too large in any form.

    Raises:
        ToolError, QAEngineError: they cannot be drawn.
    """
    pictures: dict[int, bytes | None] = dict.fromkeys(sorted({box.page for box in boxes}))
    share = MAX_BYTES // max(len(pictures), 1)
    for dpi in _RESOLUTIONS:
        missing = [box for box in boxes if pictures[box.page] is None]
        if missing:
            drawn = await library.page_images(record, missing, dpi)
            for page, image in drawn.items():
                pictures[page] = await library.read(_fitting, image, share)
    return pictures


async def plain_picture(library: Library, record: FileRecord, page: int) -> bytes | None:
    """A picture of a page without marks; None if it is too large in any form."""
    # A box outside of the page marks nothing.
    return (await page_pictures(library, record, [PageBox(page, -9, -9, -9, -9)]))[page]


def mime_type(picture: bytes) -> str:
    """The type of a picture of this module."""
    return "image/png" if picture.startswith(_PNG) else "image/jpeg"


def in_base64(picture: bytes) -> str:
    """A picture as messages hold it."""
    return base64.b64encode(picture).decode("ascii")


def image_content(picture: bytes) -> types.ImageContent:
    """A picture as a part of a result."""
    return types.ImageContent(data=in_base64(picture), mime_type=mime_type(picture))


def _fitting(image: bytes, most: int) -> bytes | None:
    """A PNG as it is, or else as JPEG; None if neither is small enough."""
    if len(image) <= most:
        return image
    import pymupdf

    smaller: bytes = pymupdf.Pixmap(image).tobytes("jpeg", jpg_quality=_JPEG_QUALITY)
    return smaller if len(smaller) <= most else None
