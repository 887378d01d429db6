"""Makes the parts of an engine from the configuration."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.llms import LLM
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.response_synthesizers import BaseSynthesizer

from qa_engine.answering.extractive.synthesizer import ExtractiveSynthesizer
from qa_engine.answering.llm.synthesizer import ChineseAnswerSynthesizer
from qa_engine.answering.refusal.calibration import LOCAL_CALIBRATION, stored_calibration
from qa_engine.answering.refusal.model import AnswerabilityModel
from qa_engine.answering.usage import Prices
from qa_engine.config import LOCAL, Config
from qa_engine.conversation.condense import QuestionCondenser, build_condenser
from qa_engine.errors import ConfigurationError, InputError
from qa_engine.index.reader import IndexReader, open_collections
from qa_engine.models.embedding import build_embedding
from qa_engine.models.late_interaction import LateInteractionModel
from qa_engine.models.lifetime import ModelUser
from qa_engine.models.llm import build_llm
from qa_engine.retrieval.decomposition.divider import QuestionDivider, build_divider
from qa_engine.retrieval.dictionary.dictionary import Dictionary, build_dictionary
from qa_engine.retrieval.expansion.expander import QueryExpander, build_expander
from qa_engine.retrieval.glossary.glossary import Glossary, build_glossary
from qa_engine.retrieval.reranking.rerank import build_reranker, name_of

logger = logging.getLogger("qa_engine.engine")


class Resources:
    """The resources that an engine opened for itself; engines made by `QueryEngine.with_filters` share them."""

    def __init__(self, stack: ExitStack | None = None) -> None:
        """
        Args:
            stack: closes the resources; None for an engine that opened none.
        """
        self._stack = stack or ExitStack()
        self._closed = False

    def close(self) -> None:
        """Closes everything. Closing again does nothing."""
        self._closed = True
        self._stack.close()

    def require_open(self) -> None:
        """Raises `InputError` after `close`."""
        if self._closed:
            raise InputError("This engine is closed: open the collection again with QueryEngine.open.")


@dataclass(frozen=True)
class EngineParts:
    """The parts of a `QueryEngine`, under the names of its arguments."""

    reader: Sequence[IndexReader]
    embed_model: BaseEmbedding
    reranker: BaseNodePostprocessor | None
    synthesizer: BaseSynthesizer
    config: Config
    answerability: AnswerabilityModel | None
    expander: QueryExpander | None
    glossary: Glossary | None
    divider: QuestionDivider | None
    dictionary: Dictionary | None
    condenser: QuestionCondenser
    resources: Resources


def assemble(
    storage: Path | str | None,
    collection: str | Sequence[str] | None,
    config: Config,
    llm: LLM | None = None,
    embed_model: BaseEmbedding | None = None,
    *,
    reranker: BaseNodePostprocessor | None = None,
    text_qa_template: BasePromptTemplate | None = None,
    response_synthesizer: BaseSynthesizer | None = None,
) -> EngineParts:
    """The parts for one or several collections; the arguments and errors are those of `QueryEngine.open`."""
    _require_object("llm", llm, LLM, "llm.model")
    _require_object("embed_model", embed_model, BaseEmbedding, "embedding.provider and embedding.model")
    _require_object("reranker", reranker, BaseNodePostprocessor, "rerank.model")
    collections = collection if collection is not None else config.collection
    names = [collections] if isinstance(collections, str) else collections
    root = Path(storage) if storage is not None else config.storage
    with ExitStack() as stack:
        stack.enter_context(ModelUser())
        readers = open_collections(root, names, config.embedding, embed_model, config.index, config.bm25)
        for reader in readers:
            stack.callback(reader.close)
        embedding = embed_model or build_embedding(config.embedding)
        own_reranker = reranker is not None
        reranker = reranker or build_reranker(config.rerank, embedding, config.retrieval.candidates)
        glossary = build_glossary(config.retrieval)
        dictionary = build_dictionary(config.retrieval)
        synthesizer = response_synthesizer or _synthesizer(
            config, llm, text_qa_template, glossary, dictionary
        )
        if response_synthesizer is not None and text_qa_template is not None:
            raise InputError(
                "text_qa_template and response_synthesizer were both passed: give the template to the synthesizer."
            )
        # The built-in calibration holds for the scores of the built-in models only.
        built_in = embed_model is None and not own_reranker
        answerability = built_in_calibration(config) if built_in else None
        if len(readers) == 1:
            answerability = stored_calibration(readers[0].catalog, name_of(reranker)) or answerability
        return EngineParts(
            readers,
            embedding,
            reranker,
            synthesizer,
            config,
            answerability,
            _expander(config, llm),
            glossary,
            _divider(config, llm),
            dictionary,
            build_condenser(config, llm),
            Resources(stack.pop_all()),
        )


def _synthesizer(
    config: Config,
    llm: LLM | None,
    template: BasePromptTemplate | None,
    glossary: Glossary | None,
    dictionary: Dictionary | None,
) -> BaseSynthesizer:
    if llm is None and config.llm.model is None:
        if template is not None:
            raise InputError("text_qa_template needs a language model: pass llm, or set llm.model.")
        return ExtractiveSynthesizer(
            LateInteractionModel(),
            config.answering.max_quotes,
            glossary,
            dictionary,
            (dictionary or Dictionary()) if config.answering.glosses else None,
        )
    return ChineseAnswerSynthesizer(
        llm or build_llm(config.llm),
        template,
        retries=config.answering.repairs,
        streaming=config.answering.streaming,
        prices=Prices.of(config.llm),
    )


def warned_if_uncalibrated(parts: EngineParts) -> EngineParts:
    """The parts, after a warning if no calibration holds for these models: no passage is then too poor for an answer."""
    if parts.answerability is not None:
        return parts
    names = [reader.name for reader in parts.reader]
    logger.warning(
        "No question is refused because passages do not hold the answer: the calibration of qa_engine is for its local "
        "embedding model and reranker only, and %s.",
        f"{names[0]} has none for these models yet: run qa-engine calibrate"
        if len(names) == 1
        else f"calibrations are not used where several collections are asked ({', '.join(names)})",
    )
    return parts


def _require_object(name: str, value: object, kind: type, settings: str) -> None:
    if value is not None and not isinstance(value, kind):
        raise InputError(
            f"{name} = {value!r} is no LlamaIndex {kind.__name__} object: pass one, or name the model in the configuration "
            f"with {settings}."
        )


def _expander(config: Config, llm: LLM | None) -> QueryExpander | None:
    _require_model(config, llm, "expansion", config.retrieval.expansion in {"translate", "expand"})
    return build_expander(config, llm)


def _divider(config: Config, llm: LLM | None) -> QuestionDivider | None:
    _require_model(config, llm, "decomposition", config.retrieval.decomposition == "llm")
    return build_divider(config, llm)


def _require_model(config: Config, llm: LLM | None, name: str, needed: bool) -> None:
    if needed and llm is None and config.llm.model is None:
        raise ConfigurationError(
            f"retrieval.{name} = {getattr(config.retrieval, name)!r} needs a language model and none is configured: set "
            f"llm.model, or retrieval.{name} to 'none'."
        )


def built_in_calibration(config: Config) -> AnswerabilityModel | None:
    """The answerability model that comes with qa_engine; None unless it was fitted to the configured models."""
    return LOCAL_CALIBRATION if config.embedding.provider == LOCAL == config.rerank.model else None
