"""LlamaIndex's evaluators with Chinese prompts, and replies read as they are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.evaluation import EvaluationResult, SemanticSimilarityEvaluator
from llama_index.core.llms import LLM
from llama_index.core.prompts import BasePromptTemplate

from qa_engine.answering.llm.context_budget import fit_passages
from qa_engine.errors import InputError
from qa_engine.evaluation.judges.judge import LlmJudge, Request, Sample, evaluation
from qa_engine.evaluation.judges.preference import read_preference
from qa_engine.evaluation.judges.score import read_score
from qa_engine.evaluation.judges.templates import (
    DEFAULT_GUIDELINES,
    as_passages,
    block,
    passages,
    references,
)
from qa_engine.evaluation.judges.verdict import read_verdict

_REPLY_TOKENS = 1024
_LOW, _HIGH = 1.0, 5.0


class _YesNoJudge(LlmJudge):
    def _read(self, sample: Sample, reply: str) -> EvaluationResult:
        reading = read_verdict(reply)
        score = None if reading.value is None else float(reading.value)
        return evaluation(sample, reading.value, score, reading.reasoning, reading.problem)

    def _fitting(self, sample: Sample, *others: str) -> str:
        """The passages that fit into the model's window, whole."""
        system = str(self._messages(dict.fromkeys(self._template.template_vars, ""))[0].content)
        output = self._llm.metadata.num_output
        reserved = output if output > 0 else _REPLY_TOKENS
        window = self._llm.metadata.context_window
        return passages(
            fit_passages(as_passages(sample.contexts), "".join((system, *others)), window, reserved)
        )


class ChineseFaithfulnessEvaluator(_YesNoJudge):
    """Whether everything that an answer says is in its passages.

    Stands in for LlamaIndex's ``FaithfulnessEvaluator``.

    Example:
        >>> from llama_index.core.llms import MockLLM
        >>> judge = ChineseFaithfulnessEvaluator(MockLLM())  # repeats the prompt, which is no verdict
        >>> judge.evaluate(query="多高？", response="三米", contexts=["高三米。"]).invalid_result
        True
    """

    name = "faithfulness"
    needs = ("answer", "contexts")

    def _variables(self, sample: Sample) -> dict[str, str]:
        answer = block("回答", sample.answer)
        return {"context": self._fitting(sample, answer), "response": answer}


class ChineseRelevancyEvaluator(_YesNoJudge):
    """Whether an answer is one to the question, and in line with the passages.

    Stands in for LlamaIndex's ``RelevancyEvaluator``.
    """

    name = "relevancy"
    needs = ("question", "answer", "contexts")

    def _variables(self, sample: Sample) -> dict[str, str]:
        question, answer = block("问题", sample.question), block("回答", sample.answer)
        context = self._fitting(sample, question, answer)
        return {"context": context, "query": question, "response": answer}


class ChineseCorrectnessEvaluator(LlmJudge):
    """How right an answer is, from 1 to 5, beside a right one.

    Stands in for LlamaIndex's ``CorrectnessEvaluator``.

    Args:
        llm: any LlamaIndex LLM.
        eval_template: instead of the Chinese prompt, with ``query``, ``reference`` and ``response``.
        score_threshold: the score that is good enough.
    """

    name = "correctness"
    needs = ("question", "answer", "references")

    def __init__(
        self,
        llm: LLM,
        eval_template: str | BasePromptTemplate | None = None,
        score_threshold: float = 4.0,
    ) -> None:
        super().__init__(llm, eval_template)
        if not _LOW <= score_threshold <= _HIGH:
            raise InputError(f"score_threshold must be from 1 to 5, got {score_threshold:g}.")
        self._threshold = score_threshold

    def _variables(self, sample: Sample) -> dict[str, str]:
        return {
            "query": block("问题", sample.question),
            "reference": references(sample.references),
            "response": block("回答", sample.answer),
        }

    def _read(self, sample: Sample, reply: str) -> EvaluationResult:
        reading = read_score(reply, _LOW, _HIGH)
        passing = None if reading.value is None else reading.value >= self._threshold
        return evaluation(sample, passing, reading.value, reading.reasoning, reading.problem)


class ChineseGuidelineEvaluator(_YesNoJudge):
    """Whether an answer keeps to guidelines.

    Stands in for LlamaIndex's ``GuidelineEvaluator``.

    Args:
        llm: any LlamaIndex LLM.
        guidelines: each of them; `DEFAULT_GUIDELINES` if None.
        eval_template: instead of the Chinese prompt, with ``guidelines``, ``query`` and ``response``.
    """

    name = "guideline"
    needs = ("question", "answer")

    def __init__(
        self,
        llm: LLM,
        guidelines: str | Sequence[str] | None = None,
        eval_template: str | BasePromptTemplate | None = None,
    ) -> None:
        super().__init__(llm, eval_template)
        given = (guidelines,) if isinstance(guidelines, str) else guidelines
        self._guidelines = tuple(given or DEFAULT_GUIDELINES)

    def _variables(self, sample: Sample) -> dict[str, str]:
        return {
            "guidelines": "\n".join(f"{number}. {text}" for number, text in enumerate(self._guidelines, 1)),
            "query": block("问题", sample.question),
            "response": block("回答", sample.answer),
        }


class ChinesePairwiseEvaluator(LlmJudge):
    """Whether an answer is better than another one: score 1, 0, or 0.5 for neither.

    Asked in both orders, since judges favour places: answers of which each wins once are equal. Stands in for LlamaIndex's
    ``PairwiseComparisonEvaluator``, which raises where one order is a tie.
    """

    name = "pairwise"
    needs = ("question", "answer", "other")
    orders: ClassVar[tuple[str, str]] = ("original", "flipped")

    def requests(self, sample: Sample) -> list[Request]:
        """The comparison, and the same with the answers exchanged."""
        first, second = sample.answer, sample.other or ""
        made = []
        for order, (one, two) in zip(self.orders, ((first, second), (second, first)), strict=True):
            variables = {
                **self._variables(sample),
                "answer_a": block("回答A", one),
                "answer_b": block("回答B", two),
            }
            made.append(Request(tuple(self._messages(variables)), order))
        return made

    def result(self, sample: Sample, replies: Sequence[str]) -> EvaluationResult:
        """The preference of both orders together."""
        votes: list[float] = []
        told = []
        for order, reply in zip(self.orders, replies, strict=True):
            reading = read_preference(reply)
            told.append(f"{order}: {reading.reasoning}")
            if reading.value is None:
                return evaluation(sample, None, None, reading.reasoning, reading.problem)
            vote = {"A": 1.0, "B": 0.0, "tie": 0.5}[reading.value]
            votes.append(vote if order == "original" else 1 - vote)
        mean = sum(votes) / 2
        score = 0.5 if mean == 0.5 else float(mean > 0.5)
        result = evaluation(sample, None if score == 0.5 else score == 1.0, score, "\n".join(told))
        result.pairwise_source = "neither" if score == 0.5 and votes[0] != 0.5 else "original"
        return result

    def _variables(self, sample: Sample) -> dict[str, str]:
        return {"query": block("问题", sample.question), "reference": references(sample.references)}

    def _read(self, sample: Sample, reply: str) -> EvaluationResult:
        raise NotImplementedError


class ReferenceSimilarityEvaluator(SemanticSimilarityEvaluator):
    """How near an answer's vector is to that of the nearest right answer. Asks no language model.

    The scale is the model's own: with e5 even texts that have nothing in common come to about 0.75.

    Args:
        embed_model: any LlamaIndex embedding.
        similarity_threshold: the cosine that is good enough.
    """

    name: ClassVar[str] = "similarity"
    needs: ClassVar[tuple[str, ...]] = ("answer", "references")

    def __init__(self, embed_model: BaseEmbedding, similarity_threshold: float = 0.9) -> None:
        super().__init__(embed_model=embed_model, similarity_threshold=similarity_threshold)

    @property
    def model(self) -> str:
        """Name of the embedding model."""
        return str(self._embed_model.model_name)

    def lacks(self, sample: Sample) -> str:
        """What this judge needs and a sample does not have; empty if it can be judged."""
        return next((name for name in self.needs if not getattr(sample, name)), "")

    async def aevaluate(
        self,
        query: str | None = None,
        response: str | None = None,
        contexts: Sequence[str] | None = None,
        reference: str | Sequence[str] | None = None,
        **kwargs: Any,
    ) -> EvaluationResult:
        """The similarity to the nearest reference.

        Raises:
            InputError: there is no answer or no reference.
        """
        known = [reference] if isinstance(reference, str) else list(reference or ())
        if not response or not known:
            raise InputError("The judge 'similarity' needs response and reference, and got none.")
        results = [
            await super(ReferenceSimilarityEvaluator, self).aevaluate(response=response, reference=text)
            for text in known
        ]
        best = max(results, key=lambda result: result.score or 0.0)
        best.query, best.response = query, response
        return best
