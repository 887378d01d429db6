"""Words the answer with a language model."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import aclosing, closing, contextmanager
from typing import Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.base.response.schema import RESPONSE_TYPE
from llama_index.core.callbacks.schema import CBEventType, EventPayload
from llama_index.core.indices.prompt_helper import ChatPromptHelper, PromptHelper
from llama_index.core.instrumentation.events.synthesis import SynthesizeEndEvent, SynthesizeStartEvent
from llama_index.core.llms import LLM
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.prompts.mixin import PromptDictType
from llama_index.core.response_synthesizers import BaseSynthesizer
from llama_index.core.schema import NodeWithScore, QueryBundle, QueryType, TextNode
from llama_index_instrumentation import get_dispatcher

from qa_engine.answering.answer import REFUSAL, Answer
from qa_engine.answering.citations import build_answer, refusal
from qa_engine.answering.completeness import ReplyEnd
from qa_engine.answering.context_budget import estimate_tokens, fit_passages
from qa_engine.answering.normalise import StreamNormaliser, normalise
from qa_engine.answering.prompts import answer_prompt, format_passages, neutralise_question
from qa_engine.answering.stream import AnswerStream, AsyncAnswerStream
from qa_engine.models.service_errors import llm_errors

dispatcher = get_dispatcher(__name__)

PROMPT = "text_qa_template"
"""Name of the prompt in `get_prompts` and `update_prompts`, the one that LlamaIndex's synthesizers use."""


class ChineseAnswerSynthesizer(BaseSynthesizer):
    """Passages in, a Chinese `Answer` with citations or the refusal out. One call of the language model.

    Passages that do not fit into the model's context window are left out from the end, whole.

    Args:
        llm: any LlamaIndex LLM.
        prompt: template with the variables ``context_str`` and ``query_str``; the strict Chinese one if None.

    Raises:
        QAEngineError: from every method that asks the model: `AuthenticationFailedError`,
            `ModelUnavailableError`, `ServiceUnavailableError` (also for a reply that breaks off) or
            `ConfigurationError`. Half an answer is never returned.

    Example:
        >>> from llama_index.core.llms import MockLLM
        >>> ChineseAnswerSynthesizer(MockLLM()).synthesize("问题", nodes=[]).response
        '我无法回答您的问题'
    """

    def __init__(self, llm: LLM, prompt: BasePromptTemplate | None = None) -> None:
        # What is left None here is taken from the global Settings, which build an OpenAI model.
        window, output = _limits(llm)
        super().__init__(
            llm=llm,
            callback_manager=llm.callback_manager,
            prompt_helper=PromptHelper(window, output, tokenizer=_as_tokens),
            chat_prompt_helper=ChatPromptHelper(window, output, tokenizer=_as_tokens),
            empty_response=REFUSAL,
        )
        self._prompt = prompt or answer_prompt()

    def _get_prompts(self) -> PromptDictType:
        return {PROMPT: self._prompt}

    def _update_prompts(self, prompts_dict: PromptDictType) -> None:
        if PROMPT in prompts_dict:
            self._prompt = prompts_dict[PROMPT]

    def get_response(self, query_str: str, text_chunks: Sequence[str], **response_kwargs: Any) -> str:
        """The normalised answer to a question from bare texts; no texts, no call."""
        nodes = _as_nodes(text_chunks)
        return self._respond(query_str, nodes, response_kwargs)[0] if nodes else REFUSAL

    async def aget_response(self, query_str: str, text_chunks: Sequence[str], **response_kwargs: Any) -> str:
        """`get_response` without blocking."""
        nodes = _as_nodes(text_chunks)
        return (await self._arespond(query_str, nodes, response_kwargs))[0] if nodes else REFUSAL

    @dispatcher.span
    def synthesize(
        self,
        query: QueryType,
        nodes: Sequence[NodeWithScore],
        additional_source_nodes: Sequence[NodeWithScore] | None = None,
        **response_kwargs: Any,
    ) -> Answer:
        """The answer to a question from passages, best first; no passages, no call but the refusal."""
        bundle = _bundle(query)
        sources = [*nodes, *(additional_source_nodes or ())]
        with self._events(bundle) as done:
            if not nodes:
                return done(refusal(bundle.query_str, sources))
            text, refused, kept = self._respond(bundle.query_str, nodes, response_kwargs)
            return done(build_answer(bundle.query_str, text, refused, kept, sources))

    @dispatcher.span
    async def asynthesize(
        self,
        query: QueryType,
        nodes: Sequence[NodeWithScore],
        additional_source_nodes: Sequence[NodeWithScore] | None = None,
        **response_kwargs: Any,
    ) -> Answer:
        """`synthesize` without blocking."""
        bundle = _bundle(query)
        sources = [*nodes, *(additional_source_nodes or ())]
        with self._events(bundle) as done:
            if not nodes:
                return done(refusal(bundle.query_str, sources))
            text, refused, kept = await self._arespond(bundle.query_str, nodes, response_kwargs)
            return done(build_answer(bundle.query_str, text, refused, kept, sources))

    def stream_answer(self, query: QueryType, nodes: Sequence[NodeWithScore]) -> AnswerStream:
        """The answer in pieces. The model is asked when the first piece is, and errors are raised then."""
        return AnswerStream(self._pieces(_bundle(query), nodes))

    def astream_answer(self, query: QueryType, nodes: Sequence[NodeWithScore]) -> AsyncAnswerStream:
        """`stream_answer` for ``async for``; itself it is not awaited."""
        return AsyncAnswerStream(self._apieces(_bundle(query), nodes))

    def _pieces(
        self, query: QueryBundle, nodes: Sequence[NodeWithScore]
    ) -> Generator[str | Answer, None, None]:
        with self._events(query) as done:
            if not nodes:
                yield REFUSAL
                yield done(refusal(query.query_str, nodes))
                return
            kept, messages = self._messages(query.query_str, nodes)
            end, normaliser = ReplyEnd(self._llm), StreamNormaliser(len(kept))
            with llm_errors(self._llm), closing(self._llm.stream_chat(messages)) as replies:
                for reply in replies:
                    end.see(reply)
                    if piece := normaliser.feed(reply.delta or ""):
                        yield piece
            end.check_stream()
            rest, text, refused = normaliser.finish()
            if rest:
                yield rest
            yield done(build_answer(query.query_str, text, refused, kept, nodes))

    async def _apieces(
        self, query: QueryBundle, nodes: Sequence[NodeWithScore]
    ) -> AsyncGenerator[str | Answer, None]:
        with self._events(query) as done:
            if not nodes:
                yield REFUSAL
                yield done(refusal(query.query_str, nodes))
                return
            kept, messages = self._messages(query.query_str, nodes)
            end, normaliser = ReplyEnd(self._llm), StreamNormaliser(len(kept))
            with llm_errors(self._llm):
                async with aclosing(await self._llm.astream_chat(messages)) as replies:
                    async for reply in replies:
                        end.see(reply)
                        if piece := normaliser.feed(reply.delta or ""):
                            yield piece
            end.check_stream()
            rest, text, refused = normaliser.finish()
            if rest:
                yield rest
            yield done(build_answer(query.query_str, text, refused, kept, nodes))

    def _respond(
        self, question: str, nodes: Sequence[NodeWithScore], arguments: dict[str, Any]
    ) -> tuple[str, bool, list[NodeWithScore]]:
        """Text, whether it is the refusal, and the passages that were shown to the model."""
        kept, messages = self._messages(question, nodes, arguments)
        end = ReplyEnd(self._llm)
        with llm_errors(self._llm):
            reply = self._llm.chat(messages)
        end.see(reply)
        end.check_whole()
        return *normalise(reply.message.content or "", len(kept)), kept

    async def _arespond(
        self, question: str, nodes: Sequence[NodeWithScore], arguments: dict[str, Any]
    ) -> tuple[str, bool, list[NodeWithScore]]:
        kept, messages = self._messages(question, nodes, arguments)
        end = ReplyEnd(self._llm)
        with llm_errors(self._llm):
            reply = await self._llm.achat(messages)
        end.see(reply)
        end.check_whole()
        return *normalise(reply.message.content or "", len(kept)), kept

    def _messages(
        self, question: str, nodes: Sequence[NodeWithScore], arguments: dict[str, Any] | None = None
    ) -> tuple[list[NodeWithScore], list[ChatMessage]]:
        """The passages that fit, and the prompt with them."""
        variables = {**(arguments or {}), "query_str": neutralise_question(question)}
        bare = self._prompt.format(context_str="", **variables)
        kept = fit_passages(nodes, bare, *_limits(self._llm))
        messages = self._prompt.format_messages(llm=self._llm, context_str=format_passages(kept), **variables)
        return kept, messages

    @contextmanager
    def _events(self, query: QueryBundle) -> Iterator[_Done]:
        """LlamaIndex's instrumentation around one synthesis."""
        dispatcher.event(SynthesizeStartEvent(query=query))
        with self._callback_manager.event(
            CBEventType.SYNTHESIZE, payload={EventPayload.QUERY_STR: query.query_str}
        ) as event:
            done = _Done(query)
            yield done
            event.on_end(payload={EventPayload.RESPONSE: done.answer})


class _Done:
    """Announces the answer of a synthesis and hands it on."""

    def __init__(self, query: QueryBundle) -> None:
        self._query = query
        self.answer: RESPONSE_TYPE | None = None

    def __call__(self, answer: Answer) -> Answer:
        self.answer = answer
        dispatcher.event(SynthesizeEndEvent(query=self._query, response=answer))
        return answer


def _limits(llm: LLM) -> tuple[int, int]:
    """Tokens that the model takes and tokens of its answer; an unlimited answer counts as 1024."""
    metadata = llm.metadata
    return metadata.context_window, metadata.num_output if metadata.num_output > 0 else 1024


def _as_tokens(text: str) -> list[int]:
    return [0] * estimate_tokens(text)


def _bundle(query: QueryType) -> QueryBundle:
    return QueryBundle(query) if isinstance(query, str) else query


def _as_nodes(texts: Sequence[str]) -> list[NodeWithScore]:
    return [NodeWithScore(node=TextNode(text=text)) for text in texts]
