"""What became of a question of a conversation before it was searched for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Condensation:
    """The question that stands alone, and how it was made.

    Attributes:
        question: as it was asked.
        standalone: as it was searched for and answered.
        method: ``llm``, ``rules``, or ``none`` where the question was left as it was.
        skipped: why it was left as it was, in one sentence; None if it was looked at, or if that failed.
        error: why the language model gave nothing, in one sentence; None if nothing went wrong.
        cached: whether this was known from before, or shared with a question that was asked at the same time.
        seconds: that the call took; 0 for what was known.
    """

    question: str
    standalone: str
    method: Literal["llm", "rules", "none"] = "none"
    skipped: str | None = None
    error: str | None = None
    cached: bool = False
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON object."""
        return {
            "question": self.question,
            "standalone": self.standalone,
            "method": self.method,
            "skipped": self.skipped,
            "error": self.error,
            "cached": self.cached,
            "seconds": round(self.seconds, 4),
        }
