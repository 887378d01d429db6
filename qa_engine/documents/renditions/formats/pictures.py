"""Pictures (photos, scans): a page each, or each frame of a TIFF file; their text is recognised like that of any scan."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

from qa_engine.documents.files import read_all
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.renditions.rendition import Rendition
from qa_engine.errors import DocumentError
from qa_engine.text.one_line import first_line

_LONG_SIDE = 842.0
"""Points of the longer side of a page, as of A4: a photo says nothing of the size of what it shows."""
_MAX_PIXELS = 100_000_000
"""A larger picture takes more than 400 MB once it is unpacked."""
_MAX_FRAMES = 1000
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP")


def read(path: Path, options: ReadingOptions) -> Rendition:
    """A picture as a PDF, turned as its metadata say.

    Raises:
        DocumentError: it cannot be read, or is too large.
    """
    import pymupdf

    data = read_all(path)
    kind = _checked_format(path, data)
    try:
        with pymupdf.open(stream=data, filetype=kind) as picture:
            if picture.page_count > _MAX_FRAMES:
                raise DocumentError(
                    "too_large", f"{path.name} has more than {_MAX_FRAMES:,} frames: split it."
                )
            with pymupdf.open(stream=picture.convert_to_pdf(), filetype="pdf") as frames:
                return Rendition(_on_pages(frames))
    except (RuntimeError, ValueError, pymupdf.mupdf.FzErrorBase) as error:
        raise DocumentError("damaged", f"{path.name} is damaged: {first_line(error)}.") from error


def _checked_format(path: Path, data: bytes) -> str:
    """The format of a picture, by its head alone: nothing is unpacked.

    Raises:
        DocumentError: it is no picture, or has too many pixels or frames.
    """
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
                kind, (width, height) = picture.format, picture.size
                frames = getattr(picture, "n_frames", 1)
        except Image.DecompressionBombError as error:
            raise DocumentError("too_large", f"{path.name}: {first_line(error)}.") from error
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            message = f"{path.name} is no picture that can be read ({first_line(error)})."
            raise DocumentError("damaged", message) from error
    if width * height > _MAX_PIXELS:
        size = f"{width:,} × {height:,} pixels"
        raise DocumentError("too_large", f"{path.name} has {size}: at most {_MAX_PIXELS:,} are read.")
    if frames > _MAX_FRAMES:
        raise DocumentError("too_large", f"{path.name} has more than {_MAX_FRAMES:,} frames: split it.")
    return str(kind).lower()


def _on_pages(frames: Any) -> bytes:
    """Each frame on a page that is as large as paper."""
    import pymupdf

    with pymupdf.open() as document:
        for number, frame in enumerate(frames):
            scale = _LONG_SIDE / max(frame.rect.width, frame.rect.height)
            page = document.new_page(width=frame.rect.width * scale, height=frame.rect.height * scale)
            page.show_pdf_page(page.rect, frames, number)
        pdf: bytes = document.tobytes(garbage=3, deflate=True)
        return pdf
