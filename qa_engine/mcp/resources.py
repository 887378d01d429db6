"""Documents and pages as resources, ``qa://…``. Few programs show resources, so nothing depends on them."""

from __future__ import annotations

import re
from urllib.parse import unquote

import mcp_types as types

from qa_engine.mcp.documents import document_part, find_document
from qa_engine.mcp.library import Library, ToolError
from qa_engine.mcp.pictures import in_base64, mime_type, plain_picture

TEMPLATES = [
    types.ResourceTemplate(
        uri_template="qa://{collection}/{file_id}",
        name="document",
        title="文件全文",
        description="The text of a document by page and section; of a long one the first part. Ids: list_documents.",
        mime_type="text/plain",
    ),
    types.ResourceTemplate(
        uri_template="qa://{collection}/{file_id}/page/{page}",
        name="page",
        title="页面图像",
        description="A page of a document as a picture, PNG or JPEG; pages count from 1.",
    ),
]
_URI = re.compile(
    r"qa://(?P<collection>[^/?#]{1,600})/(?P<file>[0-9a-f]{16})(?:/page/(?P<page>[1-9][0-9]{0,5}))?"
)


async def read_resource(
    library: Library, uri: str
) -> types.TextResourceContents | types.BlobResourceContents:
    """A document or a page.

    Raises:
        ToolError, QAEngineError: there is none, or it cannot be shown.
    """
    match = _URI.fullmatch(uri)
    if match is None:
        raise ToolError(
            "There is no such resource. They are qa://COLLECTION/FILE_ID and qa://COLLECTION/FILE_ID/page/N."
        )
    identifier = f"{unquote(match['collection'])}/{match['file']}"
    document, _ = await library.read(find_document, library, identifier)
    if match["page"] is None:
        part = await library.read(document_part, library, document, 1)
        more = f'\n\n（未完：下一部分用 fetch("{identifier}#2")。）' if part.count > 1 else ""
        return types.TextResourceContents(uri=uri, mime_type="text/plain", text=part.text + more)
    page, record = int(match["page"]), document.record
    if page > record.pages:
        raise ToolError(f"The document has {record.pages} pages, and no page {page}.")
    image = await plain_picture(library, record, page)
    if image is None:
        raise ToolError(f"The picture of page {page} is too large.")
    return types.BlobResourceContents(uri=uri, mime_type=mime_type(image), blob=in_base64(image))
