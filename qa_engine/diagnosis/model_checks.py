"""Whether the local model is prepared, and gives the vectors that it should."""

from __future__ import annotations

from collections.abc import Iterator

from qa_engine.config import LOCAL, Config
from qa_engine.diagnosis.report import Check, failed, ok, unexpected, warning

_NAME = "local_model"
_FILES = ("model.onnx", "tokenizer.json", "manifest.json")
_AGAIN = "qa-engine models prepare --force"


def check_local_model(config: Config) -> Iterator[Check]:
    """Looks for the local model in the cache, and compares its vectors with the reference."""
    if LOCAL not in (config.embedding.provider, config.rerank.model):
        yield ok(_NAME, "Skipped: neither embedding nor reranking uses the local model.")
        return
    from qa_engine.models.e5_prepare import check, model_folder

    folder = model_folder()
    if not folder.is_dir():
        yield warning(
            _NAME,
            f"The local model is not prepared yet ({folder}): the first question or ingest does it, in some seconds.",
            "qa-engine models prepare",
        )
        return
    lacking = [name for name in _FILES if not (folder / name).is_file() or not (folder / name).stat().st_size]
    if lacking:
        yield failed(_NAME, f"The local model in {folder} lacks {', '.join(lacking)}.", _AGAIN)
        return
    try:
        cosine = check(folder)
    except Exception as error:  # noqa: BLE001 - damaged files raise anything
        yield failed(_NAME, f"The local model in {folder} cannot be used: {unexpected(error)}", _AGAIN)
        return
    yield ok(_NAME, f"The local model in {folder} is good (worst cosine to the reference {cosine:.4f}).")
