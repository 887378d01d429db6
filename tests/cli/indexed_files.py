"""Collections of small files that are ingested in this process, and the ids of their sentences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hash_embedding import HashEmbedding
from pdf_factory import CHINESE_FONT, LEFT, PdfBuilder

from qa_engine import ingest
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.vectors.chroma_folder import open_chroma
from qa_engine.index.vectors.vector_store import SentenceVectorStore

CUT = "这一句从第一页的末尾开始，到第二页的开头才结束。"
"""The sentence of `two_pages` that the page break cuts, behind its 14th character."""


def two_pages(path: Path) -> Path:
    """A Chinese file with a sentence that a page break cuts."""
    builder = PdfBuilder(CHINESE_FONT)
    builder.page().put("上面的一行不应当有颜色。", LEFT, 90)
    builder.put("前一句在这里结束。" + CUT[:14], LEFT, 735)
    builder.page().put(CUT[14:] + "后一句在这里开始。", LEFT, 90)
    return builder.save(path)


def ingest_pdfs(folder: Path, embedding: HashEmbedding, passwords: Sequence[str] = ()) -> Path:
    """Ingests the files in ``pdfs`` of a folder into its ``storage``, and returns the folder."""
    settings = {"documents": {"passwords": list(passwords)}}
    report = ingest(folder / "pdfs", storage=folder / "storage", config=settings, embed_model=embedding)
    assert not report.failures
    return folder


def sentence_id(folder: Path, text: str) -> str:
    """The id of the first sentence in the collection of a folder that holds a text."""
    paths = collection_paths(folder / "storage", "default")
    catalog = Catalog(paths.catalog)
    try:
        store = SentenceVectorStore(open_chroma(paths.chroma, catalog.published))
        files = catalog.files().values()
        ids = [node_id(file.document_id, ordinal) for file in files for ordinal in range(file.nodes)]
    finally:
        catalog.close()
    return next(name for name, node in store.sentences(ids).items() if text in node.text)
