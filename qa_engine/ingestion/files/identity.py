"""The identity of reading: everything besides the bytes of a file that decides what is stored for it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from qa_engine.config import DocumentsConfig
from qa_engine.documents.formats import format_of, suffix_of
from qa_engine.documents.pages.ocr import ocr_available
from qa_engine.documents.pdf.reading import PARSER_VERSION
from qa_engine.documents.renditions.converters import converter_formats
from qa_engine.documents.sentences.splitting import SPLITTER_VERSION

if TYPE_CHECKING:
    from llama_index.core.node_parser import NodeParser

DOCUMENTS = "documents"
"""Identity of the parser of documents that did not come from files: their metadata come with every run."""


@dataclass(frozen=True)
class ReadingIdentity:
    """Everything besides the bytes of a file that decides what is stored for it.

    Attributes:
        pipeline: versions and settings of reader and splitter.
        ocr: whether pages without text are recognised.
        custom_reader: whether a reader of the caller reads the files, which may give metadata to them.
        files: whether files are read by their formats, and not by a reader of the caller.
        converters: names of converters of the user.
    """

    pipeline: str
    ocr: bool
    custom_reader: bool = False
    files: bool = True
    converters: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, config: DocumentsConfig, parser: str = "", node_parser: NodeParser | None = None
    ) -> ReadingIdentity:
        """The identity of a run.

        Args:
            config: how PDF files are read.
            parser: names what parses instead of the PDF parser: `component_identity` of a reader, or `DOCUMENTS`.
            node_parser: the node parser of the caller; None for sentences.

        Raises:
            ConfigurationError: a converter is not there.
        """
        parts = [
            parser or PARSER_VERSION,
            component_identity(node_parser) if node_parser is not None else SPLITTER_VERSION,
            config.max_sentence_chars,
            "" if parser else config.parser,
            "all pages by OCR" if config.ocr == "always" and not parser else "",
        ]
        ocr = not parser and config.ocr != "never" and ocr_available()
        converters = tuple(config.converters)
        converter_formats(converters)  # one that is missing is told before anything is read
        custom = parser not in {"", DOCUMENTS}
        return cls("/".join(map(str, parts)), ocr, custom, not parser, converters)

    def pipeline_of(self, name: PurePath | str) -> str:
        """The pipeline of a file: that of the run, and what makes its rendition if its name is that of no PDF."""
        kind = None
        if self.files:
            kind = converter_formats(self.converters).get(suffix_of(name)) or format_of(name)
        return self.pipeline if kind is None else f"{self.pipeline}/{kind.name}-{kind.version}"

    def document_id(self, sha256: str, name: PurePath | str = "") -> str:
        """The id of a document: the same for the same bytes read in the same way, wherever the file is.

        Args:
            sha256: of its content.
            name: of the file; the same bytes are another document in another format.
        """
        parts = (sha256, self.pipeline_of(name), "ocr" if self.ocr else "")
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]


def component_identity(component: Any) -> str:
    """A name for a LlamaIndex component of the caller: files are read again by a component of another name.

    It consists of the class, its ``version`` if it has one, and a digest of the scalar fields of a pydantic component,
    such as ``chunk_size``.
    """
    kind = type(component)
    fields = {
        name: value
        for name in getattr(kind, "model_fields", ())
        if isinstance(value := getattr(component, name, None), str | int | float)
    }
    digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:12] if fields else ""
    name = f"{kind.__module__}.{kind.__qualname__}"
    return ":".join(filter(None, [name, str(getattr(component, "version", "")), digest]))
