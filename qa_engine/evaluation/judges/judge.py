"""What a judge is: a LlamaIndex evaluator that asks a language model, and says so where its reply cannot be read."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.base.response.schema import Response
from llama_index.core.evaluation import BaseEvaluator, EvaluationResult
from llama_index.core.llms import LLM
from llama_index.core.prompts import BasePromptTemplate, ChatPromptTemplate, PromptTemplate
from llama_index.core.prompts.mixin import PromptDictType

from qa_engine.errors import InputError
from qa_engine.evaluation.judges.templates import template
from qa_engine.models.remote.service_errors import llm_errors

TEMPLATE = "eval_template"
"""Name of the prompt in `get_prompts` and `update_prompts`, the one that LlamaIndex's evaluators use."""


@dataclass(frozen=True)
class Sample:
    """What is judged.

    Attributes:
        question: as it was asked.
        answer: the text that is judged.
        contexts: the passages that it was made from, best first.
        references: right answers, of which one is enough; empty if none is known.
        other: the answer to compare with.
    """

    question: str
    answer: str
    contexts: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    other: str | None = None


@dataclass(frozen=True)
class Request:
    """One question to the judging model; ``order`` tells several for the same sample apart."""

    messages: tuple[ChatMessage, ...]
    order: str = ""


class LlmJudge(BaseEvaluator):
    """Base of the judges that ask a language model.

    A reply that cannot be read gives a result with ``invalid_result``, ``invalid_reason`` and no score.

    Args:
        llm: any LlamaIndex LLM.
        eval_template: instead of the Chinese prompt, with the same variables.

    Raises:
        QAEngineError: when evaluating: what the service of the model raises.
    """

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    """Attributes of a `Sample` that cannot be empty."""

    def __init__(self, llm: LLM, eval_template: str | BasePromptTemplate | None = None) -> None:
        self._llm = llm
        self._template: BasePromptTemplate = template(self.name)
        if eval_template is not None:
            self._template = (
                PromptTemplate(eval_template) if isinstance(eval_template, str) else eval_template
            )

    def _get_prompts(self) -> PromptDictType:
        return {TEMPLATE: self._template}

    def _update_prompts(self, prompts_dict: PromptDictType) -> None:
        self._template = prompts_dict.get(TEMPLATE, self._template)

    @property
    def model(self) -> str:
        """Name of the judging model."""
        return str(self._llm.metadata.model_name)

    def lacks(self, sample: Sample) -> str:
        """What this judge needs and a sample does not have; empty if it can be judged."""
        return next((name for name in self.needs if not getattr(sample, name)), "")

    def requests(self, sample: Sample) -> list[Request]:
        """What is asked of the model to judge a sample."""
        return [Request(tuple(self._messages(self._variables(sample))))]

    def result(self, sample: Sample, replies: Sequence[str]) -> EvaluationResult:
        """What the replies to `requests` come to."""
        return self._read(sample, replies[0])

    async def ask(self, request: Request) -> str:
        """The reply of the model."""
        with llm_errors(self._llm):
            reply = await self._llm.achat(list(request.messages))
        return reply.message.content or ""

    async def aevaluate(
        self,
        query: str | None = None,
        response: str | None = None,
        contexts: Sequence[str] | None = None,
        reference: str | Sequence[str] | None = None,
        second_response: str | None = None,
        **kwargs: Any,
    ) -> EvaluationResult:
        """The result for an answer.

        Args:
            query: the question.
            response: the answer.
            contexts: the passages that it was made from.
            reference: the right answer, or several of which one is enough.
            second_response: the answer to compare with.
            kwargs: ignored, as LlamaIndex's evaluators do.

        Raises:
            InputError: something is missing that this judge needs.
        """
        known = (reference,) if isinstance(reference, str) else tuple(reference or ())
        sample = Sample(query or "", response or "", tuple(contexts or ()), known, second_response)
        if missing := self.lacks(sample):
            raise InputError(f"The judge {self.name!r} needs {_ARGUMENTS[missing]}, and got none.")
        replies = [await self.ask(request) for request in self.requests(sample)]
        return self.result(sample, replies)

    async def aevaluate_response(
        self, query: str | None = None, response: Response | None = None, **kwargs: Any
    ) -> EvaluationResult:
        """`aevaluate` for a `Response` with its sources."""
        return await super().aevaluate_response(query=query, response=response, **kwargs)

    @abstractmethod
    def _variables(self, sample: Sample) -> dict[str, str]:
        """The variables of the template."""

    @abstractmethod
    def _read(self, sample: Sample, reply: str) -> EvaluationResult:
        """The result of one reply."""

    def _messages(self, variables: dict[str, str]) -> list[ChatMessage]:
        if isinstance(self._template, ChatPromptTemplate):
            return self._template.format_messages(None, **variables)
        return self._template.format_messages(self._llm, **variables)


_ARGUMENTS = {
    "question": "query, the question",
    "answer": "response, the answer",
    "contexts": "contexts, the passages",
    "references": "reference, the right answer",
    "other": "second_response, the answer to compare with",
}


def evaluation(
    sample: Sample, passing: bool | None, score: float | None, feedback: str, problem: str = ""
) -> EvaluationResult:
    """A result as LlamaIndex wants it; with a ``problem`` it is invalid and has neither score nor verdict."""
    return EvaluationResult(
        query=sample.question,
        response=sample.answer,
        contexts=list(sample.contexts),
        passing=None if problem else passing,
        score=None if problem else score,
        feedback=feedback,
        invalid_result=bool(problem),
        invalid_reason=f"The reply of the judge cannot be read: {problem}." if problem else None,
    )
