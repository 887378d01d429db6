"""The parts of an engine, as the configuration names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.llms import LLM
from llama_index.core.postprocessor.types import BaseNodePostprocessor

from qa_engine.answering.answerability import AnswerabilityModel
from qa_engine.answering.calibration import LOCAL_CALIBRATION, stored_calibration
from qa_engine.answering.extractive.synthesizer import ExtractiveSynthesizer
from qa_engine.answering.llm.synthesizer import ChineseAnswerSynthesizer
from qa_engine.answering.usage import Prices
from qa_engine.config import LOCAL, Config
from qa_engine.conversation.condense import QuestionCondenser, build_condenser
from qa_engine.errors import ConfigurationError
from qa_engine.index.reader import IndexReader, open_collections
from qa_engine.models.embedding import build_embedding
from qa_engine.models.late_interaction import LateInteractionModel
from qa_engine.models.llm import build_llm
from qa_engine.retrieval.expansion.expander import QueryExpander, build_expander
from qa_engine.retrieval.rerank import build_reranker, name_of

Synthesizer = ChineseAnswerSynthesizer | ExtractiveSynthesizer


@dataclass(frozen=True)
class EngineParts:
    """What a `QueryEngine` is made of, by the names of its arguments."""

    reader: Sequence[IndexReader]
    embed_model: BaseEmbedding
    reranker: BaseNodePostprocessor | None
    synthesizer: Synthesizer
    config: Config
    answerability: AnswerabilityModel | None
    expander: QueryExpander | None
    condenser: QuestionCondenser


def assemble(
    storage: Path | str | None,
    collection: str | Sequence[str] | None,
    config: Config,
    llm: LLM | None,
    embed_model: BaseEmbedding | None,
) -> EngineParts:
    """The parts for one or several collections; the arguments and errors are those of `QueryEngine.open`."""
    named = collection if collection is not None else config.collection
    root = Path(storage) if storage is not None else config.storage
    names = [named] if isinstance(named, str) else named
    readers = open_collections(root, names, config.embedding, embed_model, config.index, config.bm25)
    embedding = embed_model or build_embedding(config.embedding)
    reranker = build_reranker(config.rerank, embedding, config.retrieval.candidates)
    synthesizer: Synthesizer
    expander = None
    if llm is not None or config.llm.model is not None:
        synthesizer = ChineseAnswerSynthesizer(
            llm or build_llm(config.llm),
            retries=config.answering.repairs,
            streaming=config.answering.streaming,
            prices=Prices.of(config.llm),
        )
        expander = build_expander(config, llm)
    elif config.retrieval.expansion != "none":
        raise ConfigurationError(
            f"retrieval.expansion = {config.retrieval.expansion!r} needs a language model and none is configured: set "
            "llm.model, or retrieval.expansion to 'none'."
        )
    else:
        synthesizer = ExtractiveSynthesizer(LateInteractionModel(), config.answering.max_quotes)
    answerability = built_in_calibration(config) if embed_model is None else None
    if len(readers) == 1:
        answerability = stored_calibration(readers[0].catalog, name_of(reranker)) or answerability
    condenser = build_condenser(config, llm)
    return EngineParts(readers, embedding, reranker, synthesizer, config, answerability, expander, condenser)


def built_in_calibration(config: Config) -> AnswerabilityModel | None:
    """The answerability model that comes with qa_engine, if the configured models are those that it was fitted to."""
    return LOCAL_CALIBRATION if config.embedding.provider == LOCAL == config.rerank.model else None
