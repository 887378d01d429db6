"""The ingest journey: paths in, a complete and published index out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_engine.config import Config
from qa_engine.documents.files import find_pdfs
from qa_engine.errors import StorageError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths, embedding_identity, require_identity
from qa_engine.index.writer_lock import writer_lock
from qa_engine.ingestion.files.metadata import MetadataTable
from qa_engine.ingestion.report import IngestProgress, IngestReport
from qa_engine.ingestion.run import IngestRun

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding


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
) -> IngestReport:
    """Brings PDF files into a collection: new ones are added, changed ones replaced, unchanged ones skipped.

    A file is one commit: its new nodes are stored before the old ones go. A run that was cut off at any instant is
    completed by the next one. Files of the same content share their nodes; a file that was moved keeps them. Readers see
    the new state when the run ends, and during a long run every half minute or so.

    Args:
        paths: PDF files and folders (searched recursively).
        storage: folder of the index; ``config.storage`` if None.
        collection: name of the collection, made if missing; ``config.collection`` if None.
        config: settings; see `Config.of`.
        prune: also remove files of the collection that vanished from the given paths.
        workers: processes that parse; ``config.ingestion.workers`` if None, and what the files are worth if that is unset.
            A Ray cluster goes by its own processors.
        embed_model: instead of the one of the configuration.
        progress: is told what is going on.
        metadata: a CSV table with what is noted about the files, see `MetadataTable`; None keeps what an earlier one
            said. Sidecars (``report.pdf.meta.json``) are read in any case.
        ray: address of a Ray cluster that parses and embeds, as ``ray.init`` takes it, or ``local`` to start one here;
            ``config.ingestion.ray_address`` if None.

    Raises:
        InputError: a path does not exist, there is no PDF, or the table cannot be used.
        ConfigurationError: the collection was made with another embedding model, Ray is not installed, or its workers
            have another version of qa_engine.
        StorageError: the storage cannot be written, or another process is writing to the collection.
        ModelUnavailableError, ServiceUnavailableError: the embedding model, the Chroma server or the Ray cluster is not
            there.
    """
    settings = _with_ray(Config.of(config), ray)
    named = [paths] if isinstance(paths, str | Path) else list(paths)
    # With pruning, a folder whose PDFs are all gone is no mistake.
    files = find_pdfs(named, allow_none=prune)
    table = MetadataTable.read(Path(metadata)) if metadata is not None else None
    name = collection if collection is not None else settings.collection
    where = collection_paths(Path(storage) if storage is not None else settings.storage, name)
    try:
        where.root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The storage {where.root} cannot be made ({error.strerror or error}): name another with --storage."
        ) from error
    with writer_lock(where.root, settings.ingestion.lock_timeout_seconds):
        catalog = Catalog(where.catalog, create=True)
        try:
            if catalog.identity is not None:
                require_identity(catalog.identity, settings.embedding, name, embed_model)
            else:
                identity = embedding_identity(settings.embedding, embed_model)
                catalog.set_meta(name=name, identity=json.dumps(identity))
            run = IngestRun(settings, where, catalog, name, progress or IngestProgress(), embed_model, table)
            return run.run(files, named, prune, workers or settings.ingestion.workers)
        finally:
            catalog.close()


def _with_ray(config: Config, address: str | None) -> Config:
    """The configuration with the address of the cluster that was given, if any.

    Raises:
        ConfigurationError: a cluster is named, and Ray is not installed.
    """
    if address is not None:
        ingestion = Config(ingestion={**config.ingestion.model_dump(), "ray_address": address}).ingestion
        config = config.model_copy(update={"ingestion": ingestion})
    if config.ingestion.ray_address is not None:
        from qa_engine.ingestion.cluster.ray_reading import require_ray

        require_ray()
    return config
