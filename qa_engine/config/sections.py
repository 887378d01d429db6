"""The sections of the settings: the type, the bounds and the default of each setting."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from qa_engine.config.loading import BACKSLASHES
from qa_engine.config.masking import MaskedUrl, is_address, masked_url

LOCAL = "local"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


_SECRETS = {"passwords", "api_key", "fallback_api_key", "token", "search_password", "search_api_key"}
_FREE_TEXT = _SECRETS | {"query_prefix", "text_prefix"}
"""Settings that may hold control characters; a key that no header can carry is refused where it is used."""


def without_control_characters(value: Any, info: ValidationInfo) -> Any:
    """Refuses what ``"D:\\new"`` in double quotes became, and NUL, which no path can hold."""
    if info.field_name not in _FREE_TEXT and isinstance(value, str | Path) and _CONTROL.search(str(value)):
        raise ValueError(f"it holds a control character: {BACKSLASHES}")
    return value


class Section(BaseModel):
    """A section of the settings: it refuses unknown keys and control characters, and shows addresses masked."""

    model_config = ConfigDict(extra="forbid", validate_default=True, protected_namespaces=())

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            shown = masked_url(value) if isinstance(value, str) and is_address(name or "", value) else value
            yield name, shown

    _check_text = field_validator("*", mode="before")(without_control_characters)


class DocumentsConfig(Section):
    """How PDF files are read."""

    parser: Literal["auto", "fast", "layout"] = "auto"
    """``layout`` has a model look at every page, ``fast`` goes by geometry; ``auto`` takes for each page what it needs."""
    ocr: Literal["auto", "never", "always"] = "auto"
    """``auto`` recognises pages without a usable text layer, if the extra ``ocr`` is installed."""
    ocr_dpi: Annotated[int, Field(ge=72, le=600)] = 200
    passwords: list[SecretStr] = []
    """Tried in turn on files that are locked."""
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 120
    """For every four pages of a file, and for a shorter file."""
    max_file_megabytes: Annotated[int, Field(ge=1, le=10_000)] = 500
    max_unpacked_megabytes: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Archives, such as Office files, that unpack to more are refused."""
    memory_megabytes: Annotated[int, Field(ge=256, le=1_000_000)] = 2048
    """Address space that a parsing process may add to what it has at its start."""
    libreoffice: str | None = None
    """The program that converts older formats, or its path. Unset: ``soffice`` or ``libreoffice``, if it is found."""
    converters: list[str] = []
    """*Stored*: names of entry points of the group ``qa_engine.converters``, in order of precedence: packages that read
    further formats, or read some in place of qa_engine."""
    max_sentence_chars: Annotated[int, Field(ge=50, le=4000)] = 400
    """*Stored*: the next ingest run reads every file again. Longer sentences are cut at a clause mark."""


class IngestionConfig(Section):
    """How files become nodes in the index."""

    workers: Annotated[int, Field(ge=1, le=256)] | None = None
    """Processes that parse PDFs beside the process that embeds and writes. Unset: what the files keep busy, at most eight
    and no more than there are processors."""
    ray_address: Annotated[MaskedUrl, Field(min_length=1)] | None = None
    """A Ray cluster that reads and embeds: ``auto``, ``HOST:PORT``, ``ray://HOST:PORT`` as ``ray.init`` takes them, or
    ``local`` to start one here. Unset: this machine does it."""
    lock_timeout_seconds: Annotated[float, Field(ge=0, le=86_400)] = 0
    """How long to wait for another writer of the collection before giving up."""


def _as_integer(value: object) -> object:
    """A number as environment variables hold it: a choice among numbers does not convert text by itself."""
    return int(value) if isinstance(value, str) and value.strip().isdigit() else value


class EmbeddingConfig(Section):
    """The embedding model. *Identity*: provider, model, dimensions, both prefixes, pass_chars and context_sentences."""

    provider: Literal["local", "openai", "huggingface"] = "local"
    model: str = "multilingual-e5-small"
    base_url: MaskedUrl | None = None
    api_key: SecretStr | None = None
    dimensions: Annotated[int, Field(ge=1, le=20_000)] | None = None
    query_prefix: str = ""
    text_prefix: str = ""
    batch_size: Annotated[int, Field(ge=1, le=2048)] = 32
    """Texts in one request to a service. The local model makes batches by tokens, and has prefixes of its own."""
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 60
    max_retries: Annotated[int, Field(ge=0, le=20)] = 3
    pass_chars: Annotated[int, Field(ge=0, le=400)] = 70
    """Chinese characters, of other scripts three times as many, of sentences that go through the local model together; each
    gets the mean of its own tokens. With 0, and with other models, ``context_sentences`` counts instead."""
    context_sentences: Annotated[int, Field(ge=0, le=5)] = 1
    """Neighbours on each side that are embedded with a sentence outside of all windows. The stored text is the sentence."""
    token_bits: Annotated[Literal[0, 2, 4], BeforeValidator(_as_integer)] = 4
    """*Stored*: bits a dimension of the token vectors that the local model keeps for reranking, 194 bytes a token with 4.
    With 0, passages are encoded anew for each question."""


def _server_address(url: str) -> str:
    if not re.fullmatch(r"https?://(\[[0-9A-Fa-f:.]+\]|[^/\s@?#:\[\]]+)(:\d{1,5})?/?", url):
        raise ValueError(
            "it has to look like https://chroma.example:8000, without a path, and without a user and a password, for which "
            "there is index.token"
        )
    return url


def _search_addresses(text: str) -> str:
    for url in text.split(","):
        if not re.fullmatch(
            r"https?://(\[[0-9A-Fa-f:.]+\]|[^/\s@?#:\[\]]+)(:\d{1,5})?(/[^\s?#@]*)?", url.strip()
        ):
            raise ValueError(
                "it has to look like https://search.example:9200, or like several such addresses with commas between them, "
                "without a user and a password, for which there are index.search_user and index.search_password"
            )
    return text


def _index_prefix(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", text):
        raise ValueError(
            "it has to be 1 to 40 of the characters a-z, 0-9, - and _, and to begin with a letter or digit"
        )
    return text


class IndexConfig(Section):
    """Where a collection is: in its folder; its vectors on a Chroma server; and the rest in a search engine."""

    url: Annotated[MaskedUrl, AfterValidator(_server_address)] | None = None
    """Address of a Chroma server, such as ``https://chroma.example:8000``. Unset: the embedded Chroma."""
    token: SecretStr | None = None
    token_header: str = "Authorization"
    """The header that the token is sent in, after ``Bearer`` if it is this one."""
    ca_file: Path | None = None
    """Certificate, in PEM, of the authority that signed the server's; unset: those that httpx brings."""
    tenant: str = "default_tenant"
    database: str = "default_database"
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 60
    """For each request to the server, and to the search engine."""
    search_url: Annotated[MaskedUrl, AfterValidator(_search_addresses)] | None = None
    """Address of an OpenSearch or Elasticsearch cluster, such as ``https://search.example:9200``, or the addresses of
    several of its nodes with commas between them: terms, texts and the catalog are there. Unset: in the storage."""
    search_user: str | None = None
    search_password: SecretStr | None = None
    search_api_key: SecretStr | None = None
    """Instead of a user and a password, as the search engine issued it."""
    search_ca_file: Path | None = None
    """Certificate, in PEM, of the authority that signed the search engine's."""
    search_prefix: Annotated[str, AfterValidator(_index_prefix)] = "qa-engine"
    """What the names of all indices begin with, so that several installations can share a cluster."""
    search_shards: Annotated[int, Field(ge=1, le=1024)] = 1
    """Primary shards of a new collection; about one for ten million sentences."""
    search_replicas: Annotated[int, Field(ge=0, le=20)] = 1
    """Copies of each shard on other nodes, of which one may then be lost."""
    search_lease_seconds: Annotated[float, Field(ge=3, le=3600)] = 30
    """After so long without a sign of life, a writer of a collection counts as lost."""


class Bm25Config(Section):
    """Lexical retrieval."""

    k1: Annotated[float, Field(ge=0, le=10)] = 1.2
    b: Annotated[float, Field(ge=0, le=1)] = 0.75
    context_sentences: Annotated[int, Field(ge=0, le=5)] = 1
    """*Stored*: neighbours on each side whose words count for a sentence."""


def _as_list(value: object) -> object:
    """One path is as good as a list of one."""
    return [value] if isinstance(value, str | Path) else value


class RetrievalConfig(Section):
    """From a question to candidate passages."""

    dense_top_k: Annotated[int, Field(ge=1, le=1000)] = 50
    bm25_top_k: Annotated[int, Field(ge=1, le=1000)] = 50
    fusion: Literal["dist_based_score", "relative_score", "reciprocal_rerank"] = "dist_based_score"
    dense_weight: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of the dense retriever in the fused score; BM25 has the rest. Rank fusion knows no weights."""
    window_chars: Annotated[int, Field(ge=50, le=20_000)] = 235
    """Size of a passage in Chinese characters; a passage of other scripts may be ``latin_ratio`` times as long."""
    table_chars: Annotated[int, Field(ge=50, le=20_000)] = 1000
    """Size of the passage of a table: all its rows, or as many around those that were found."""
    latin_ratio: Annotated[float, Field(ge=1, le=10)] = 2.0
    candidates: Annotated[int, Field(ge=1, le=200)] = 12
    """Passages that the reranker orders. Those asked for beyond them follow in the fused order."""
    max_per_file: Annotated[int, Field(ge=0, le=200)] = 0
    """Most passages of one file, so that the next best files move up; 0 for any number."""
    diversity: Annotated[float, Field(ge=0, le=1)] = 0
    """How much a passage loses that resembles a better one (maximal marginal relevance); 0 keeps the order."""
    max_question_chars: Annotated[int, Field(ge=10, le=1_000_000)] = 2000
    expansion: Literal["none", "translate", "expand"] = "none"
    """``translate`` has the language model translate each question, if there are texts in the other language; ``expand``
    has it name keywords as well. One more call a question."""
    expansion_keywords: Annotated[int, Field(ge=1, le=50)] = 8
    expansion_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 10
    """After that the question is searched for as it is."""
    decomposition: Literal["rules", "llm", "none"] = "rules"
    """Whether the parts of a question, such as two years that it compares, are searched for one by one. With ``llm``, the
    language model names them where the rules see several: one more call for such a question."""
    glossary: Annotated[list[Path], BeforeValidator(_as_list)] = []
    """CSV files, in UTF-8 or GBK: a term, then the words that documents use for it."""
    shipped_glossary: bool = True
    """Whether the glossary that comes with qa_engine, of statements, contracts, data sheets and everyday words, holds."""
    dictionary: bool = True
    """Whether BM25 searches for the words of a question in the other language, too, where documents are in that language,
    and extractive answers are chosen by them."""


class RerankConfig(Section):
    """The order of the candidate passages."""

    model: str = LOCAL
    """``local`` (late interaction on the local embedding model), ``none``, or a cross-encoder: a path or a hub name."""
    device: str | None = None
    max_length: Annotated[int, Field(ge=16, le=32_768)] = 512
    """Tokens of question and passage that a model sees."""
    weight: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of the reranker's z-score in the final order, the fused first-stage score has the rest. Unset: for ``local``
    0.7, up to 0.9 where BM25 found little; 1 for a cross-encoder."""


class LlmConfig(Section):
    """The language model that words the answer. Without ``model`` the answer is extractive, local and free."""

    model: str | None = None
    base_url: MaskedUrl | None = None
    api_key: SecretStr | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] = 0
    max_tokens: Annotated[int, Field(ge=16, le=100_000)] = 1024
    context_window: Annotated[int, Field(ge=1024, le=10_000_000)] = 16_384
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 60
    """For each try: until the reply is there, or in a stream the next piece of it."""
    max_retries: Annotated[int, Field(ge=0, le=20)] = 3
    price_input: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    """Of a million tokens of the prompt, in any currency; with ``price_output`` it makes ``answer.cost``."""
    price_output: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    fallback_model: str | None = None
    """Asked where ``model`` is out of reach, overloaded or failing after its retries."""
    fallback_base_url: MaskedUrl | None = None
    """Unset: the same service, with the same key."""
    fallback_api_key: SecretStr | None = None
    fallback_after_failures: Annotated[int, Field(ge=1, le=1000)] = 3
    """Failures in a row after which ``model`` is not tried for ``fallback_seconds``."""
    fallback_seconds: Annotated[float, Field(ge=0, le=86_400)] = 60


class AnsweringConfig(Section):
    """From passages to the answer."""

    passages: Annotated[int, Field(ge=1, le=50)] = 5
    """Passages that the answer may use."""
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    """Without a language model, refuse when the probability that the passages hold the answer is below this. Unset: where
    the calibration of the collection, or of qa_engine, lost few of the answerable questions."""
    llm_threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    """Below it a language model is not asked. Unset: where hardly any were lost: the model can refuse, too."""
    identifiers: Literal["checked", "ignored"] = "checked"
    """``checked``: refuse if a year, a code, an article or a name of the question stands in no document."""
    about: Literal["answered", "asked"] = "answered"
    """``answered``: a question about a document itself, such as how many pages it has, is answered from what is known of the
    document; ``asked``: its text is searched for it like for any other question."""
    max_quotes: Annotated[int, Field(ge=1, le=10)] = 2
    """Most places that an extractive answer quotes: single sentences, or sentences that follow one another. Together they
    have at most one sentence more than there are places."""
    glosses: bool = True
    """Whether an extractive answer shows the Chinese of key terms beside quotes in another language."""
    repairs: Annotated[int, Field(ge=0, le=1)] = 1
    """Second calls of the language model for an answer that cites nothing or is not Chinese."""
    streaming: Literal["live", "checked"] = "live"
    """``live`` shows a stream as it comes, which leaves nothing to repair; ``checked`` when it is whole and checked."""


class ConversationConfig(Section):
    """What a chat session remembers, and how its follow-ups are made to stand alone."""

    max_turns: Annotated[int, Field(ge=1, le=100)] = 6
    """Questions with their answers that are remembered; the oldest go first."""
    max_chars: Annotated[int, Field(ge=100, le=1_000_000)] = 4000
    """Characters that they have together at most."""
    condense_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 10
    """After that a follow-up is asked as it is."""
