"""LlamaIndex's evaluators with Chinese prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.evaluation import EvaluationResult, SemanticSimilarityEvaluator
from llama_index.core.llms import LLM
from llama_index.core.prompts import BasePromptTemplate

from qa_engine.errors import InputError
from qa_engine.evaluation.judges.llm_judge import Ask, LlmJudge, Sample, evaluation
from qa_engine.evaluation.judges.prompts import DEFAULT_GUIDELINES, block
from qa_engine.evaluation.judges.replies import PREFERENCE, SCORE, Reading

_LOW, _HIGH = 1.0, 5.0


class ChineseFaithfulnessEvaluator(LlmJudge):
    """Whether every statement of an answer is in its passages.

    Replaces LlamaIndex's ``FaithfulnessEvaluator``.

    Example:
        >>> from llama_index.core.llms import MockLLM
        >>> judge = ChineseFaithfulnessEvaluator(MockLLM())  # repeats the prompt, which is no verdict
        >>> judge.evaluate(query="多高？", response="三米", contexts=["高三米。"]).invalid_result
        True
    """

    name = "faithfulness"
    needs = ("answer", "contexts")


class ChineseRelevancyEvaluator(LlmJudge):
    """Whether an answer is one to the question, and in line with the passages.

    Replaces LlamaIndex's ``RelevancyEvaluator``.
    """

    name = "relevancy"
    needs = ("question", "answer", "contexts")


class ChineseCorrectnessEvaluator(LlmJudge):
    """How right an answer is, from 1 to 5, compared with a right one.

    Replaces LlamaIndex's ``CorrectnessEvaluator``.

    Args:
        llm: any LlamaIndex LLM.
        eval_template: instead of the Chinese prompt, with ``query``, ``reference`` and ``response``.
        score_threshold: the score from which on an answer passes.
    """

    name = "correctness"
    form = SCORE
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

    def _verdict(self, value: Any) -> tuple[bool | None, float | None]:
        return None if value is None else value >= self._threshold, value


class ChineseGuidelineEvaluator(LlmJudge):
    """Whether an answer follows guidelines.

    Replaces LlamaIndex's ``GuidelineEvaluator``.

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
        texts = (guidelines,) if isinstance(guidelines, str) else guidelines
        self._guidelines = tuple(texts or DEFAULT_GUIDELINES)

    def _variables(self, sample: Sample) -> dict[str, str]:
        numbered = (f"{number}. {text}" for number, text in enumerate(self._guidelines, 1))
        return {**super()._variables(sample), "guidelines": "\n".join(numbered)}


class ChinesePairwiseEvaluator(LlmJudge):
    """Whether an answer is better than another one: score 1, 0, or 0.5 for neither.

    The model is asked in both orders, since judges favour positions: if each answer wins once, neither is better. Replaces
    LlamaIndex's ``PairwiseComparisonEvaluator``, which raises if one order is a tie.
    """

    name = "pairwise"
    form = PREFERENCE
    needs = ("question", "answer", "other")

    async def judge(self, sample: Sample, ask: Ask | None = None) -> EvaluationResult:
        """The preference of both orders together."""
        first, second = sample.answer, sample.other or ""
        votes: list[float] = []
        reasons = []
        for order, (one, two) in (("original", (first, second)), ("flipped", (second, first))):
            answers = {"answer_a": block("回答A", one), "answer_b": block("回答B", two)}
            messages = self._messages({**self._variables(sample), **answers})
            reading = await self._reading(messages, ask or self.ask)
            if reading.value is None:
                return evaluation(sample, None, None, reading)
            reasons.append(f"{order}: {reading.reasoning}")
            vote = {"A": 1.0, "B": 0.0, "tie": 0.5}[reading.value]
            votes.append(vote if order == "original" else 1 - vote)
        passing, score = self._verdict(sum(votes) / 2)
        result = evaluation(sample, passing, score, Reading(score, "\n".join(reasons)))
        result.pairwise_source = "neither" if score == 0.5 and votes[0] != 0.5 else "original"
        return result

    def _verdict(self, value: Any) -> tuple[bool | None, float | None]:
        """The score of the mean of the votes."""
        return (None, 0.5) if value == 0.5 else (value > 0.5, float(value > 0.5))


class ReferenceSimilarityEvaluator(SemanticSimilarityEvaluator):
    """Cosine of an answer's vector with that of the nearest right answer. Asks no language model.

    The scale is that of the embedding model: with e5 even unrelated texts have about 0.75.

    Args:
        embed_model: any LlamaIndex embedding.
        similarity_threshold: the cosine from which on an answer passes.
    """

    name: ClassVar[str] = "similarity"
    needs: ClassVar[tuple[str, ...]] = ("answer", "references")

    def __init__(self, embed_model: BaseEmbedding, similarity_threshold: float = 0.9) -> None:
        super().__init__(embed_model=embed_model, similarity_threshold=similarity_threshold)

    @property
    def model(self) -> str:
        """Name of the embedding model."""
        return str(self._embed_model.model_name)

    async def judge(self, sample: Sample, ask: Ask | None = None) -> EvaluationResult:
        """The similarity of a sample; ``ask`` is not called."""
        return await self.aevaluate(response=sample.answer, reference=sample.references)

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
        texts = [reference] if isinstance(reference, str) else list(reference or ())
        if not response or not texts:
            raise InputError("The judge 'similarity' needs response and reference, and got none.")
        results = [
            await super(ReferenceSimilarityEvaluator, self).aevaluate(response=response, reference=text)
            for text in texts
        ]
        best = max(results, key=lambda result: result.score or 0.0)
        best.query, best.response = query, response
        return best
