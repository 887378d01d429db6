"""The synthesizer that answers with a language model."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from llama_index.core.indices.prompt_helper import ChatPromptHelper, PromptHelper
from llama_index.core.llms import LLM
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.prompts.mixin import PromptDictType
from llama_index.core.response_synthesizers import BaseSynthesizer
from llama_index.core.schema import NodeWithScore, QueryBundle, QueryType, TextNode
from llama_index_instrumentation import get_dispatcher

from qa_engine.answering.answer import REFUSAL, Answer
from qa_engine.answering.checks.citations import refusal
from qa_engine.answering.events import AnswerEvent, Streaming
from qa_engine.answering.llm.answer_flow import AnswerFlow, limits
from qa_engine.answering.llm.context_budget import estimate_tokens
from qa_engine.answering.llm.prompt import answer_prompt
from qa_engine.answering.stream import AnswerStream, AsyncAnswerStream
from qa_engine.answering.usage import Prices
from qa_engine.flow import Flow, Piece, apieces, arun, in_thread, pieces, run
from qa_engine.models.prompts import CheckedPrompts, require_variables
from qa_engine.tracing import synthesis_events

dispatcher = get_dispatcher(__name__)

PROMPT = "text_qa_template"
"""Name of the prompt in `get_prompts` and `update_prompts`, the one that LlamaIndex's synthesizers use."""
_VARIABLES = ("context_str", "query_str")


class ChineseAnswerSynthesizer(CheckedPrompts, BaseSynthesizer):
    """Makes a Chinese `Answer` with citations, or the refusal, out of passages.

    It calls the language model once, and a second time if the answer cites nothing, is not Chinese or is empty. The last
    passages are left out if they do not fit into the context window of the model, and one is shortened to whole sentences.

    Args:
        llm: any LlamaIndex LLM.
        prompt: template with the variables ``context_str`` and ``query_str``; the strict Chinese one if None.
        retries: greatest number of second calls, 0 or 1.
        streaming: ``live`` passes pieces on as soon as they are sure to belong to an answer, and can then not ask again;
            ``checked`` passes the answer on when it is complete.
        prices: of the model's tokens, for ``answer.cost``.

    Raises:
        PromptError: the prompt lacks one of the variables.
        QAEngineError: from every method that asks the model: `AuthenticationFailedError`,
            `ModelUnavailableError`, `ServiceUnavailableError` (also for a reply that breaks off or is empty) or
            `ConfigurationError`. Half an answer is never returned.

    Example:
        >>> from llama_index.core.llms import MockLLM
        >>> ChineseAnswerSynthesizer(MockLLM()).synthesize("问题", nodes=[]).response
        '我无法回答您的问题'
    """

    needed_variables = MappingProxyType({PROMPT: _VARIABLES})

    def __init__(
        self,
        llm: LLM,
        prompt: BasePromptTemplate | None = None,
        retries: int = 1,
        streaming: Literal["live", "checked"] = "live",
        prices: Prices | None = None,
    ) -> None:
        # An argument that is None is taken from the global Settings, which build an OpenAI model.
        window, output = limits(llm)
        super().__init__(
            llm=llm,
            callback_manager=llm.callback_manager,
            prompt_helper=PromptHelper(window, output, tokenizer=_as_tokens),
            chat_prompt_helper=ChatPromptHelper(window, output, tokenizer=_as_tokens),
            empty_response=REFUSAL,
        )
        if prompt is not None:
            require_variables(PROMPT, prompt, _VARIABLES)
        self._prompt = prompt or answer_prompt()
        self._retries, self._is_live, self._prices = retries, streaming == "live", prices

    def _get_prompts(self) -> PromptDictType:
        return {PROMPT: self._prompt}

    def _update_prompts(self, prompts_dict: PromptDictType) -> None:
        if PROMPT in prompts_dict:
            self._prompt = prompts_dict[PROMPT]

    def get_response(self, query_str: str, text_chunks: Sequence[str], **response_kwargs: Any) -> str:
        """The normalised answer to a question from bare texts; without texts, the refusal and no call."""
        return run(self._text_steps(query_str, text_chunks, response_kwargs))

    async def aget_response(self, query_str: str, text_chunks: Sequence[str], **response_kwargs: Any) -> str:
        """`get_response` without blocking."""
        return await arun(self._text_steps(query_str, text_chunks, response_kwargs))

    @dispatcher.span
    def synthesize(
        self,
        query: QueryType,
        nodes: Sequence[NodeWithScore],
        additional_source_nodes: Sequence[NodeWithScore] | None = None,
        **response_kwargs: Any,
    ) -> Answer:
        """The answer to a question from passages, best first; without passages, the refusal and no call."""
        return run(self._steps(query, nodes, additional_source_nodes or (), response_kwargs))

    @dispatcher.span
    async def asynthesize(
        self,
        query: QueryType,
        nodes: Sequence[NodeWithScore],
        additional_source_nodes: Sequence[NodeWithScore] | None = None,
        **response_kwargs: Any,
    ) -> Answer:
        """`synthesize` without blocking."""
        return await arun(self._steps(query, nodes, additional_source_nodes or (), response_kwargs))

    def stream_answer(self, query: QueryType, nodes: Sequence[NodeWithScore]) -> AnswerStream:
        """The answer in pieces. The model is asked when the first piece is, and errors are raised then."""
        return AnswerStream(pieces(self._steps(query, nodes, live=self._live(Streaming.TEXT))))

    def astream_answer(self, query: QueryType, nodes: Sequence[NodeWithScore]) -> AsyncAnswerStream:
        """`stream_answer` for ``async for``; itself it is not awaited."""
        return AsyncAnswerStream(apieces(self._steps(query, nodes, live=self._live(Streaming.TEXT))))

    def stream_events(
        self, query: QueryType, nodes: Sequence[NodeWithScore]
    ) -> Generator[str | AnswerEvent | Answer, None, None]:
        """Pieces of text and events, then the answer. An answer with a fault is asked for again, and replaced."""
        return pieces(self._steps(query, nodes, live=self._live(Streaming.EVENTS)))

    def astream_events(
        self, query: QueryType, nodes: Sequence[NodeWithScore]
    ) -> AsyncGenerator[str | AnswerEvent | Answer, None]:
        """`stream_events` for ``async for``; itself it is not awaited."""
        return apieces(self._steps(query, nodes, live=self._live(Streaming.EVENTS)))

    def _live(self, streaming: Streaming) -> Streaming:
        return streaming if self._is_live else Streaming.NOTHING

    def _steps(
        self,
        query: QueryType,
        nodes: Sequence[NodeWithScore],
        further: Sequence[NodeWithScore] = (),
        arguments: Mapping[str, Any] = MappingProxyType({}),
        live: Streaming = Streaming.NOTHING,
    ) -> Flow[Answer]:
        bundle = QueryBundle(query) if isinstance(query, str) else query
        sources = [*nodes, *further]
        with synthesis_events(self._callback_manager, bundle) as done:
            if nodes:
                flow = self._flow(bundle.query_str, nodes, arguments)
                draft = yield from flow.steps(live)
                answer = yield from in_thread(flow.answer, draft, sources)
            else:
                answer = refusal(bundle.query_str, sources)
                yield Piece(REFUSAL)
            done(answer)
        return answer

    def _text_steps(self, question: str, texts: Sequence[str], arguments: Mapping[str, Any]) -> Flow[str]:
        if not texts:
            return REFUSAL
        nodes = [NodeWithScore(node=TextNode(text=text)) for text in texts]
        return (yield from self._flow(question, nodes, arguments).steps()).text

    def _flow(
        self, question: str, nodes: Sequence[NodeWithScore], arguments: Mapping[str, Any]
    ) -> AnswerFlow:
        return AnswerFlow(self._llm, self._prompt, question, nodes, arguments, self._retries, self._prices)


def _as_tokens(text: str) -> list[int]:
    return [0] * estimate_tokens(text)
