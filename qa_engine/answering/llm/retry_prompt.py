"""The rules that an answer breaks by its form, and the messages that ask the model for a better one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llama_index.core.base.llms.types import ChatMessage, MessageRole

from qa_engine.answering.answer import REFUSAL
from qa_engine.answering.checks.language import is_chinese_answer
from qa_engine.text.citation_marks import CITATION
from qa_engine.text.prompt_sanitizer import neutralise_markup


@dataclass(frozen=True)
class Violations:
    """The rules that an answer breaks.

    Attributes:
        uncited: the answer cites no passage.
        foreign: the answer is not Chinese.
    """

    uncited: bool = False
    foreign: bool = False

    @classmethod
    def of(cls, text: str, refused: bool) -> Violations:
        """The violations of a normalised answer; a refusal has none."""
        return cls() if refused else cls(CITATION.search(text) is None, not is_chinese_answer(text))

    @property
    def count(self) -> int:
        """How many rules are broken, 0 to 2."""
        return self.uncited + self.foreign


def retry_messages(messages: Sequence[ChatMessage], answer: str, violations: Violations) -> list[ChatMessage]:
    """The messages for the second call: those of the first, the answer, and what to do better.

    Args:
        messages: the messages of the first call.
        answer: the normalised answer; empty if the model sent nothing, and then the first messages are sent again.
        violations: what is wrong with the answer.
    """
    if not answer:
        return list(messages)
    return [
        *messages,
        ChatMessage(role=MessageRole.ASSISTANT, content=neutralise_markup(answer)),
        ChatMessage(role=MessageRole.USER, content=retry_request(violations)),
    ]


def retry_request(violations: Violations) -> str:
    """The Chinese request for a better answer."""
    faults = []
    if violations.uncited:
        faults.append("没有标出所依据的资料编号")
    if violations.foreign:
        faults.append("没有用中文书写")
    return (
        f"上面的回答{'，也'.join(faults)}。请只依据已知信息重写这个回答：用中文书写（人名、术语、型号可以保留原文），"
        f"每个结论后面用方括号标出资料编号，例如 [1]，编号必须是已知信息里有的。只输出重写后的回答。"
        f"如果已知信息里没有答案，只回复：{REFUSAL}"
    )
