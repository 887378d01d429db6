"""The ingest journey: files or documents in, a complete and published index out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_engine.config import Config
from qa_engine.documents.files import find_documents
from qa_engine.documents.pages.ocr import ocr_available
from qa_engine.documents.renditions.converters import converter_formats
from qa_engine.errors import ConfigurationError
from qa_engine.index.collection import embedding_identity, require_identity
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.ingestion.files.attachments import mail_of
from qa_engine.ingestion.files.identity import DOCUMENTS, component_identity
from qa_engine.ingestion.files.metadata import MetadataTable, without_tables
from qa_engine.ingestion.files.uploads import UploadedFile, is_upload, stored_upload
from qa_engine.ingestion.maintenance.unused_contents import remove_unused_contents
from qa_engine.ingestion.report import IngestProgress, IngestReport
from qa_engine.ingestion.run import IngestRun
from qa_engine.ingestion.writing.session import WriteSession, write_session

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.node_parser import NodeParser
    from llama_index.core.readers.base import BaseReader
    from llama_index.core.schema import Document


def ingest(
    paths: Iterable[Path | str] | Path | str,
    storage: Path | str | None = None,
    collection: str | None = None,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    *,
    prune: bool = False,
    workers: int | None = None,
    embed_model: BaseEmbedding | None = None,
    progress: IngestProgress | None = None,
    metadata: Path | str | None = None,
    ray: str | None = None,
    reader: BaseReader | None = None,
    node_parser: NodeParser | None = None,
) -> IngestReport:
    """Brings files into a collection: new files are added, changed files replaced, unchanged files skipped.

    One file is one commit: its new nodes are stored before the old nodes are deleted. A run that was cut off at any instant
    is completed by the next one. Files of the same content share their nodes; a file that was moved keeps them. Readers see
    the new state when the run ends, and during a long run every half minute or so.

    Args:
        paths: files and folders (searched recursively), whose documents have the endings of known formats.
        storage: folder of the index; ``config.storage`` if None.
        collection: name of the collection, made if missing; ``config.collection`` if None.
        config: settings; see `Config.of`.
        prune: also remove files of the collection that vanished from the given paths.
        workers: processes that parse; ``config.ingestion.workers`` if None, and as many as the files are worth if that is
            not set. A Ray cluster goes by its own processors.
        embed_model: replaces the embedding model of the configuration.
        progress: receives what the run is doing.
        metadata: a CSV table with metadata of the files, see `MetadataTable`; None keeps what an earlier table said.
            Sidecars (``report.pdf.meta.json``) are read in any case.
        ray: address of a Ray cluster that parses and embeds, as ``ray.init`` takes it, or ``local`` to start one here;
            ``config.ingestion.ray_address`` if None.
        reader: reads each file in this process, instead of ours; of a folder it gets the PDF files.
            ``load_data(file=path)`` or ``load_data(path)`` returns its documents. Their metadata ``page`` or ``page_label``
            makes the pages of citations; other metadata that all of them share becomes metadata of the file.
        node_parser: makes the nodes of each file, instead of `SentenceNodeParser`.

    Raises:
        InputError: a path does not exist, there is no document, or the table cannot be used.
        ConfigurationError: the collection was made with another embedding model, Ray is not installed, its workers have
            another version of qa_engine, or a reader or node parser is to run on Ray.
        StorageError: the storage cannot be written, or another process is writing to the collection.
        ModelUnavailableError, ServiceUnavailableError: the embedding model, the Chroma server or the Ray cluster is not
            there.
    """
    settings = _with_ray(Config.of(config), ray, local=reader is not None or node_parser is not None)
    roots = [paths] if isinstance(paths, str | Path) else list(paths)
    # With pruning, a folder whose documents are all gone is no mistake.
    others = frozenset(converter_formats(tuple(settings.documents.converters)))
    ocr = settings.documents.ocr != "never" and ocr_available()
    files = find_documents(roots, prune, others, only_pdf=reader is not None, ocr=ocr)
    table = MetadataTable.read(Path(metadata)) if metadata is not None else None
    with write_session(settings, storage, collection, progress, embed_model) as session:
        _require_embedding(session)
        files = without_tables(files, roots, session.catalog, table)
        if reader is None:
            run = IngestRun(session, table, node_parser=node_parser)
        else:
            from qa_engine.ingestion.reading.custom_components import CustomReader

            run = IngestRun(session, table, CustomReader(reader), component_identity(reader), node_parser)
        report = run.run(files, roots, prune, workers or settings.ingestion.workers)
    return _cleaned(report, session)


def ingest_uploads(
    files: Sequence[UploadedFile] | None = None,
    storage: Path | str | None = None,
    collection: str | None = None,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    *,
    workers: int | None = None,
    embed_model: BaseEmbedding | None = None,
    progress: IngestProgress | None = None,
) -> IngestReport:
    """Brings uploaded files, whose bytes are in the storage, into a collection, as `ingest` does with other files.

    A file is known by its name: another content replaces the one that it had, the same content is unchanged.

    Args:
        files: no two of the same name; None for those that the collection has, which are read again if another way to read
            them is configured. Of a collection in a search engine, only those whose bytes are on this machine.
        storage, collection, config, workers, embed_model, progress: as for `ingest`.

    Raises:
        CollectionNotFoundError: there is no such collection, and no files are given.
        ConfigurationError, StorageError, ModelUnavailableError, ServiceUnavailableError: as `ingest`.
    """
    settings = _with_ray(Config.of(config), None, local=False)
    create = files is not None
    with write_session(settings, storage, collection, progress, embed_model, create=create) as session:
        _require_embedding(session)
        if files is None:
            known = session.catalog.files().values()
            uploads = [one for one in known if is_upload(one.path) and mail_of(one.path) is None]
            if isinstance(session.catalog, SharedCatalog):  # the bytes of others are on other machines
                place = session.paths.root.parent
                uploads = [one for one in uploads if stored_upload(place, one.sha256, one.file_name).exists()]
            files = [UploadedFile(one.file_name, one.sha256) for one in uploads]
        report = IngestRun(session).run(files, workers=workers or settings.ingestion.workers)
    return _cleaned(report, session)


def ingest_documents(
    documents: Sequence[Document],
    storage: Path | str | None = None,
    collection: str | None = None,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    *,
    node_parser: NodeParser | None = None,
    embed_model: BaseEmbedding | None = None,
    progress: IngestProgress | None = None,
) -> IngestReport:
    """Brings LlamaIndex documents that did not come from files into a collection, as `ingest` does with files.

    A document is known by its metadata ``file_name``, or else by its id; documents of the same name are the parts of one,
    such as its pages. A name whose content is the same as in the last run is unchanged, and one that is left out of a run
    stays. `delete_files` takes documents out by their names.

    Args:
        documents: documents with text. Their metadata ``page`` or ``page_label`` makes the pages of citations; filters can
            use other scalar metadata.
        storage, collection, config, node_parser, embed_model, progress: as for `ingest`. Nothing is sent to a Ray cluster.

    Raises:
        InputError: a document has no name.
        ConfigurationError, StorageError, ModelUnavailableError, ServiceUnavailableError: as `ingest`.

    Example:
        >>> ingest_documents([Document(text="…", metadata={"file_name": "wiki/leave"})])  # doctest: +SKIP
        IngestReport(collection='default', added=1, …)
    """
    from qa_engine.ingestion.reading.custom_components import DocumentsInMemory

    settings = Config.of(config)
    here = settings.ingestion.model_copy(update={"ray_address": None})
    settings = settings.model_copy(update={"ingestion": here})
    parser = DocumentsInMemory(documents)
    with write_session(settings, storage, collection, progress, embed_model) as session:
        _require_embedding(session)
        run = IngestRun(session, None, parser, DOCUMENTS, node_parser)
        return run.run(parser.sources())


def _require_embedding(session: WriteSession) -> None:
    """Records the embedding model of a new collection, and refuses another model than that of an old one.

    Raises:
        ConfigurationError: the collection was made with another embedding model.
    """
    settings, catalog = session.config.embedding, session.catalog
    if catalog.identity is not None:
        require_identity(catalog.identity, settings, session.name, session.embed_model)
    else:
        identity = embedding_identity(settings, session.embed_model)
        catalog.set_meta(name=session.name, identity=json.dumps(identity))


def _with_ray(config: Config, address: str | None, local: bool) -> Config:
    """The configuration with the address of the Ray cluster, if one was given.

    Raises:
        ConfigurationError: a cluster is named, and Ray is not installed, or a component of the caller has to run in this
            process (``local``).
    """
    if address is not None:
        ingestion = Config(ingestion={**config.ingestion.model_dump(), "ray_address": address}).ingestion
        config = config.model_copy(update={"ingestion": ingestion})
    if config.ingestion.ray_address is not None:
        if local:
            raise ConfigurationError(
                "A reader or node parser of your own runs in this process, and "
                f"ingestion.ray_address = {config.ingestion.ray_address!r} names a Ray cluster: leave one of the two out."
            )
        from qa_engine.ingestion.cluster.connection import require_ray

        require_ray()
    return config


def _cleaned(report: IngestReport, session: WriteSession) -> IngestReport:
    """Removes what the storage keeps of files that the collection no longer has, after a run that replaced some."""
    if report.deleted or report.updated:
        remove_unused_contents(session.paths.root.parent, session.config.index)
    return report
