"""What is wrong with the form of an answer, and the second question that asks for it in the right one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llama_index.core.base.llms.types import ChatMessage, MessageRole

from qa_engine.answering.answer import REFUSAL
from qa_engine.answering.checks.language import is_chinese_answer
from qa_engine.text.citation_marks import CITATION
from qa_engine.text.prompt_sanitizer import neutralise_markup


@dataclass(frozen=True)
class Defects:
    """What an answer lacks.

    Attributes:
        uncited: it cites no passage.
        foreign: it is not Chinese.
    """

    uncited: bool = False
    foreign: bool = False

    @classmethod
    def of(cls, text: str, refused: bool) -> Defects:
        """Of a normalised answer; a refusal lacks nothing."""
        return cls() if refused else cls(CITATION.search(text) is None, not is_chinese_answer(text))

    @property
    def count(self) -> int:
        """How many there are."""
        return self.uncited + self.foreign


def repair_messages(messages: Sequence[ChatMessage], answer: str, defects: Defects) -> list[ChatMessage]:
    """The conversation so far, the answer, and what to do better.

    Args:
        messages: that brought the answer about.
        answer: normalised; empty if the model sent nothing, which is asked for again as it was.
        defects: of the answer.
    """
    if not answer:
        return list(messages)
    return [
        *messages,
        ChatMessage(role=MessageRole.ASSISTANT, content=neutralise_markup(answer)),
        ChatMessage(role=MessageRole.USER, content=repair_request(defects)),
    ]


def repair_request(defects: Defects) -> str:
    """The words that ask for a better answer."""
    faults = []
    if defects.uncited:
        faults.append("没有标出所依据的资料编号")
    if defects.foreign:
        faults.append("没有用中文书写")
    return (
        f"上面的回答{'，也'.join(faults)}。请只依据已知信息重写这个回答：用中文书写（人名、术语、型号可以保留原文），"
        f"每个结论后面用方括号标出资料编号，例如 [1]，编号必须是已知信息里有的。只输出重写后的回答。"
        f"如果已知信息里没有答案，只回复：{REFUSAL}"
    )
