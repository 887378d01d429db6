"""The requests of Open WebUI that are no questions: for titles, tags and the like. They cost neither a search nor a model.

Open WebUI sends them to the model of the chat, in prompts that begin with ``### Task:``. It reads a JSON object out of the
reply. A question to which Open WebUI has added context of its own begins in the same way, and stands behind the context.
"""

from __future__ import annotations

import json
import re
from typing import Any

from qa_engine.server.clients.openai.requests import unsupported
from qa_engine.server.problems import ProblemError

_TASK = re.compile(r"\s*### Task:")
_KEY = re.compile(r'"(title|tags|follow_ups|queries|prompt|text)"')
_SAID_BY_USER = re.compile(r"^USER: (.*?)(?=^(?:USER|ASSISTANT|SYSTEM|TOOL): |\Z)", re.DOTALL | re.MULTILINE)
_EMOJI = re.compile(r"\s*Your task is to reflect the speaker's likely facial expression")
_MERGE = re.compile(r"\s*You have been provided with a set of responses from various models")
_ATTACHED = "<attached_files>", "</attached_files>"
_CONTEXT = "<context>", "</context>"
_QUERY = "<user_query>", "</user_query>"
_HISTORY = "<chat_history>", "</chat_history>"
_LONGEST_TITLE = 30


def task_reply(prompt: str) -> str | None:
    """What answers a task; None for what is a question.

    Args:
        prompt: the last message of a request.

    Raises:
        ProblemError: ``unsupported``: a task that cannot be answered without a language model.

    Example:
        >>> task_reply('### Task:\\nTitle!\\n{ "title": "…" }\\n<chat_history>\\nUSER: 年假几天？\\n</chat_history>')
        '{"title": "年假几天"}'
        >>> task_reply("年假几天？")
    """
    if _EMOJI.match(prompt):
        return "📄"
    if _MERGE.match(prompt):
        raise _no_task("Responses of several models are not merged.")
    instructions, _, _ = prompt.partition(_HISTORY[0])
    if not _TASK.match(prompt) or _CONTEXT[0] in instructions:
        return None
    key = _KEY.search(instructions)
    if key is None:
        raise _no_task("This task of Open WebUI is not known.")
    return json.dumps(_object(key[1], prompt), ensure_ascii=False)


def question_in(prompt: str) -> str:
    """The question of a user, without the context that Open WebUI has put before it.

    Args:
        prompt: the last message of a request.
    """
    text = prompt.lstrip()
    if text.startswith(_ATTACHED[0]):
        text = text.partition(_ATTACHED[1])[2]
    if _TASK.match(text) and _CONTEXT[0] in text:
        behind = text.rpartition(_CONTEXT[1])[2]
        text = _between(behind, _QUERY) if _QUERY[0] in behind else behind
    return text.strip()


def _object(key: str, prompt: str) -> dict[str, Any]:
    """The JSON object that a task asks for."""
    questions = _questions(prompt)
    match key:
        case "title":
            return {"title": _title(questions[0]) if questions else ""}
        case "queries":
            return {"queries": questions[-1:]}
        case "prompt":
            return {"prompt": questions[-1] if questions else ""}
        case "text":
            return {"text": ""}
        case _:
            return {key: []}


def _questions(prompt: str) -> list[str]:
    """What the user has said in the chat that a task is about."""
    return [said.strip() for said in _SAID_BY_USER.findall(_between(prompt, _HISTORY))]


def _between(text: str, marks: tuple[str, str]) -> str:
    """What stands between the first of two marks and the last of the other."""
    return text.partition(marks[0])[2].rpartition(marks[1])[0]


def _title(question: str) -> str:
    line = question.split("\n", 1)[0].strip()
    cut = line if len(line) <= _LONGEST_TITLE else f"{line[: _LONGEST_TITLE - 1]}…"
    return cut.rstrip("？?。.！! ") or cut


def _no_task(detail: str) -> ProblemError:
    return unsupported(
        "#/messages", detail, "Choose another model for tasks in Open WebUI, or switch it off."
    )
