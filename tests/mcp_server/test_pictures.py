"""Pictures stay below what programs take, whatever a page shows."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, cast

import pymupdf

from qa_engine.documents.pdf.rendering import PageBox
from qa_engine.mcp.library import Library
from qa_engine.mcp.pictures import MAX_BYTES, image_content, page_pictures


def noise(width: int, height: int) -> bytes:
    """A PNG that hardly anything makes smaller, as a scan of coloured paper is."""
    samples = random.Random(7).randbytes(width * height * 3)
    return bytes(pymupdf.Pixmap(pymupdf.csRGB, width, height, samples, False).tobytes("png"))


class Drawing:
    """A library whose pages are noise, of a size by resolution."""

    def __init__(self, sizes: dict[int, tuple[int, int]]) -> None:
        self._sizes = sizes

    async def page_images(self, record: object, boxes: Sequence[PageBox], dpi: int) -> dict[int, bytes]:
        return {box.page: noise(*self._sizes[dpi]) for box in boxes}

    async def read(self, function: Any, *arguments: Any) -> Any:
        return function(*arguments)


async def drawn(sizes: dict[int, tuple[int, int]], pages: int) -> dict[int, bytes | None]:
    boxes = [PageBox(page, 0, 0, 1, 1) for page in range(1, pages + 1)]
    return await page_pictures(cast(Library, Drawing(sizes)), cast(Any, None), boxes)


async def test_a_small_page_stays_as_it_is() -> None:
    [picture] = (await drawn({110: (100, 100)}, 1)).values()
    assert picture == noise(100, 100)
    assert image_content(picture).mime_type == "image/png"


async def test_a_scan_becomes_jpeg_and_all_pictures_of_a_result_share_the_limit() -> None:
    pictures = await drawn({110: (600, 500), 72: (300, 300)}, 3)
    assert list(pictures) == [1, 2, 3]
    sizes = [len(picture) for picture in pictures.values() if picture]
    assert len(sizes) == 3
    assert sum(sizes) <= MAX_BYTES
    first = pictures[1]
    assert first is not None
    assert image_content(first).mime_type == "image/jpeg"


async def test_a_page_that_is_too_large_in_any_form_has_none() -> None:
    assert await drawn({110: (1500, 1500), 72: (1400, 1400)}, 1) == {1: None}
