"""The base of the judges: a LlamaIndex evaluator that asks a language model, and says so if its reply cannot be read."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.evaluation import BaseEvaluator, EvaluationResult
from llama_index.core.llms import LLM
from llama_index.core.prompts import BasePromptTemplate, ChatPromptTemplate, PromptTemplate
from llama_index.core.prompts.mixin import PromptDictType
from llama_index.core.schema import NodeWithScore, TextNode

from qa_engine.answering.llm.context_budget import fit_passages
from qa_engine.answering.llm.prompt import format_passages
from qa_engine.errors import InputError
from qa_engine.evaluation.judges.prompts import block, references, reminder, template
from qa_engine.evaluation.judges.replies import VERDICT, Reading, ReplyForm
from qa_engine.models.remote.service_errors import llm_errors

_logger = logging.getLogger("qa_engine.evaluation")

TEMPLATE = "eval_template"
"""Name of the prompt in `get_prompts` and `update_prompts`, as in LlamaIndex's evaluators."""
REPEATED_CHARS = 400
"""Characters of an unparsed reply, from its end, that the model is shown when it is asked once more."""
_REPLY_TOKENS = 1024
"""Room for a reply of a model that does not say how much it writes at most."""

Ask = Callable[[Sequence[ChatMessage]], Awaitable[str]]
"""Sends messages to the judging model and returns its reply."""


@dataclass(frozen=True)
class Sample:
    """An answer to judge, and what it is compared with.

    Attributes:
        question: as it was asked.
        answer: the text to judge.
        contexts: the passages that it was made from, best first.
        references: right answers, of which one is enough; empty if none is known.
        other: the answer to compare with.
    """

    question: str
    answer: str
    contexts: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    other: str | None = None


class LlmJudge(BaseEvaluator):
    """Base of the judges that ask a language model.

    If the reply cannot be read, the model is asked once more for its conclusion. If that cannot be read either, the result
    has ``invalid_result``, ``invalid_reason`` and no score.

    Args:
        llm: any LlamaIndex LLM.
        eval_template: instead of the Chinese prompt, with the same variables; it has to ask for the same last line.

    Raises:
        QAEngineError: when evaluating: an error of the model's service.
    """

    name: ClassVar[str]
    form: ClassVar[ReplyForm[Any]] = VERDICT
    needs: ClassVar[tuple[str, ...]] = ()
    """Attributes of a `Sample` that cannot be empty."""

    def __init__(self, llm: LLM, eval_template: str | BasePromptTemplate | None = None) -> None:
        self._llm = llm
        self._template: BasePromptTemplate = template(self.name, self.form)
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

    async def judge(self, sample: Sample, ask: Ask | None = None) -> EvaluationResult:
        """The result for a sample that has everything that this judge needs; ``ask`` sends requests in place of `ask`."""
        reading = await self._reading(self._messages(self._variables(sample)), ask or self.ask)
        passing, score = self._verdict(reading.value)
        return evaluation(sample, passing, score, reading)

    async def ask(self, messages: Sequence[ChatMessage]) -> str:
        """The reply of the model."""
        with llm_errors(self._llm):
            reply = await self._llm.achat(list(messages))
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
            kwargs: ignored, as in LlamaIndex's evaluators.

        Raises:
            InputError: something is missing that this judge needs.
        """
        right = (reference,) if isinstance(reference, str) else tuple(reference or ())
        sample = Sample(query or "", response or "", tuple(contexts or ()), right, second_response)
        if missing := missing_input(self.needs, sample):
            raise InputError(f"The judge {self.name!r} needs {_ARGUMENTS[missing]}, and got none.")
        return await self.judge(sample)

    def _variables(self, sample: Sample) -> dict[str, str]:
        """The variables of the template, which need not name all of them."""
        question, answer = block("问题", sample.question), block("回答", sample.answer)
        variables = {"query": question, "response": answer, "reference": references(sample.references)}
        if "contexts" in self.needs:
            shown = question + answer if "question" in self.needs else answer
            variables["context"] = self._fitting_passages(sample, shown)
        return variables

    def _fitting_passages(self, sample: Sample, others: str) -> str:
        """The passages that fit into the model's window, whole, beside other texts; with room for asking once more."""
        system = str(self._messages(dict.fromkeys(self._template.template_vars, ""))[0].content)
        output = self._llm.metadata.num_output
        reserved = output if output > 0 else _REPLY_TOKENS
        again = "字" * REPEATED_CHARS + reminder(self.form)
        nodes = [NodeWithScore(node=TextNode(text=text)) for text in sample.contexts]
        fitting = fit_passages(nodes, system + others + again, self._llm.metadata.context_window, reserved)
        return format_passages(fitting) or "（没有资料）"

    def _verdict(self, value: Any) -> tuple[bool | None, float | None]:
        """Whether the value of a reply passes, and its score; None, None for None."""
        return value, None if value is None else float(value)

    async def _reading(self, messages: list[ChatMessage], ask: Ask) -> Reading[Any]:
        """The content of the reply to a request, or of the reply to a reminder."""
        first = self.form.read(await ask(messages))
        if first.value is not None:
            return first
        _logger.info("A reply to the judge %s is unparsed; the model is asked once more.", self.name)
        repeated = first.reasoning[-REPEATED_CHARS:].strip() or "（没有内容）"
        turns = ((MessageRole.ASSISTANT, repeated), (MessageRole.USER, reminder(self.form)))
        again = [*messages, *(ChatMessage(role=role, content=content) for role, content in turns)]
        second = self.form.read(await ask(again))
        return Reading(second.value, first.reasoning, first.problem if second.value is None else "")

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


def missing_input(needs: Sequence[str], sample: Sample) -> str:
    """The first attribute that a judge needs and a sample lacks; empty if there is none."""
    return next((name for name in needs if not getattr(sample, name)), "")


def evaluation(
    sample: Sample, passing: bool | None, score: float | None, reading: Reading[Any]
) -> EvaluationResult:
    """A result of LlamaIndex; it is invalid and has neither score nor verdict if the reply could not be read."""
    reason = f"The reply of the judge cannot be read: {reading.problem}." if reading.problem else None
    return EvaluationResult(
        query=sample.question,
        response=sample.answer,
        contexts=list(sample.contexts),
        passing=None if reading.problem else passing,
        score=None if reading.problem else score,
        feedback=reading.reasoning,
        invalid_result=bool(reading.problem),
        invalid_reason=reason,
    )
