"""Last lines of the prompt for answers, compared on the same passages with a language model of your choice.

    python benchmarks/prompts.py questions.jsonl --storage storage --collection reports \\
        --base-url http://127.0.0.1:8089/v1 --model qwen2.5-7b-instruct --out out

Each line of the file is a question: ``{"id", "question", "accept"}``. ``accept`` are lists of strings; an answer is right
if it holds one string of each list. Without lists, the documents hold no answer. The passages are retrieved once, and all
variants of a question are sent one after the other: a server that keeps the last prompt reads only the last line anew.
Nothing is refused before the model is asked. Replies go to ``prompts-replies.jsonl`` as they come, and the script goes on
where it was cut off.

The verdicts: ``right``, ``refused`` (the refusal, after `normalise`), and ``other``, which somebody has to read: answers in
other words than ``accept`` are among them. ``uncited`` and ``foreign`` are those that an engine would have asked for again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from llama_index.core.llms import MockLLM
from llama_index.core.prompts.default_prompts import DEFAULT_TEXT_QA_PROMPT
from rich.console import Console
from rich.table import Table

from qa_engine import REFUSAL, QueryEngine
from qa_engine.answering.checks.language import is_chinese_answer
from qa_engine.answering.llm.context_budget import fit_passages
from qa_engine.answering.llm.normalise import normalise
from qa_engine.answering.llm.prompt import answer_prompt, format_passages, neutralise_question
from qa_engine.text.citation_marks import CITATION

LAST_LINES = {
    "passages alone": f"请只依据以上已知信息用中文回答，并标出资料编号；其中没有答案时，只回复：{REFUSAL}",
    "one sentence": "请用一句完整的中文回答上面的问题（不要只写编号），并在句末标出资料编号。"
    f"资料里确实没有答案时，才回复：{REFUSAL}",
    "refusal first": f"如果所有资料都没有写明问题所问的内容，只回复：{REFUSAL}\n"
    "否则，请用完整的中文句子回答上面的问题（外文内容译成中文），写明具体的内容，并在句末用方括号标出资料编号。",
}
STOCK = "LlamaIndex's default"
HOLDS, YES, NO = "holds the answer?", "是", "否"
ASK_FIRST = "以上资料里有没有写明这个问题的答案？只回答“是”或“否”。"


@dataclass(frozen=True)
class Prompted:
    """A question with its passages as prompts show them."""

    id: str
    question: str
    accept: list[list[str]]
    passages: str
    count: int

    def messages(self, variant: str) -> list[dict[str, str]]:
        """The messages of a variant; all but LlamaIndex's begin alike."""
        variables = {"context_str": self.passages, "query_str": self.question}
        if variant == STOCK:
            return [{"role": "user", "content": DEFAULT_TEXT_QA_PROMPT.format(**variables)}]
        system, user = answer_prompt().format_messages(**variables)
        question = f"问题：{self.question}"
        before, _, _ = str(user.content).rpartition(question)
        last = ASK_FIRST if variant == HOLDS else LAST_LINES[variant]
        return [
            {"role": "system", "content": str(system.content)},
            {"role": "user", "content": f"{before}{question}\n\n{last}"},
        ]


def prompted(
    questions: Path, storage: Path, collection: str, passages: int, tokens: int
) -> Iterator[Prompted]:
    """The questions of a file with their passages, as an engine would put them into a prompt of this size."""
    settings = {"answering": {"passages": passages, "llm_threshold": 0, "identifiers": "ignored"}}
    with QueryEngine.open(storage, collection, settings, llm=MockLLM()) as engine:
        for line in questions.read_text(encoding="utf-8").splitlines():
            asked = json.loads(line)
            nodes = fit_passages(engine.query(asked["question"]).source_nodes, "", tokens, 0)
            shown = neutralise_question(asked["question"])
            yield Prompted(asked["id"], shown, asked["accept"], format_passages(nodes), len(nodes))


def reply_of(client: httpx.Client, model: str, one: Prompted, variant: str) -> dict[str, Any]:
    """One reply of the model, with the probability of 是 if that was asked."""
    body: dict[str, Any] = {
        "model": model,
        "messages": one.messages(variant),
        "temperature": 0,
        "max_tokens": 200,
    }
    if variant == HOLDS:
        body |= {"max_tokens": 3, "logprobs": True, "top_logprobs": 10}
    choice = client.post("chat/completions", json=body).raise_for_status().json()["choices"][0]
    record = {"id": one.id, "variant": variant, "reply": choice["message"]["content"]}
    if tokens := (choice.get("logprobs") or {}).get("content"):
        seen = {top["token"]: math.exp(top["logprob"]) for top in tokens[0]["top_logprobs"]}
        yes, no = seen.get(YES, 0.0), seen.get(NO, 0.0)
        record["yes"] = yes / (yes + no) if yes + no else None
    return record


def verdict(one: Prompted, reply: str) -> dict[str, bool]:
    """What a reply is, see the head of this file."""
    text, refused = normalise(reply, one.count)
    bare = squashed(text)
    right = (
        refused
        if not one.accept
        else not refused and all(any(squashed(text) in bare for text in texts) for texts in one.accept)
    )
    return {
        "right": right,
        "refused": refused,
        "other": not right and not refused,
        "uncited": not refused and CITATION.search(text) is None,
        "foreign": not refused and not is_chinese_answer(text),
    }


def squashed(text: str) -> str:
    """A text without blanks and commas between digits, in lower case."""
    return "".join(text.split()).replace(",", "").lower()


def table(questions: list[Prompted], replies: Mapping[tuple[str, str], dict[str, Any]]) -> Table:
    """The verdicts by variant, apart for questions with an answer and without one."""
    shown = Table("variant", "questions", "right", "refused", "other", "uncited", "foreign")
    for variant in [*LAST_LINES, STOCK]:
        for kind, answerable in (("answerable", True), ("not", False)):
            found = [
                verdict(one, replies[one.id, variant]["reply"])
                for one in questions
                if (one.id, variant) in replies and bool(one.accept) == answerable
            ]
            counts = [
                str(sum(each[name] for each in found))
                for name in ("right", "refused", "other", "uncited", "foreign")
            ]
            shown.add_row(variant, f"{len(found)} {kind}", *counts)
    return shown


def main(
    questions: Annotated[Path, typer.Argument(metavar="QUESTIONS.jsonl")],
    base_url: Annotated[str, typer.Option("--base-url")],
    model: Annotated[str, typer.Option("--model")],
    storage: Annotated[Path, typer.Option("--storage")] = Path("storage"),
    collection: Annotated[str, typer.Option("--collection")] = "default",
    out: Annotated[Path, typer.Option("--out")] = Path("benchmarks/results"),
    passages: Annotated[int, typer.Option("--passages", min=1)] = 3,
    tokens: Annotated[
        int, typer.Option("--tokens", min=200, help="Of the passages of a prompt, at most.")
    ] = 3000,
) -> None:
    """Compare last lines of the prompt."""
    out.mkdir(parents=True, exist_ok=True)
    log = out / "prompts-replies.jsonl"
    recorded = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    replies = {(one["id"], one["variant"]): one for one in map(json.loads, recorded)}
    asked = list(prompted(questions, storage, collection, passages, tokens))
    with (
        httpx.Client(base_url=base_url.rstrip("/") + "/", timeout=900) as client,
        log.open("a", encoding="utf-8") as file,
    ):
        for one in asked:
            for variant in [*LAST_LINES, HOLDS, STOCK]:
                if (one.id, variant) not in replies:
                    record = reply_of(client, model, one, variant)
                    replies[one.id, variant] = record
                    print(json.dumps(record, ensure_ascii=False), file=file, flush=True)
    Console().print(table(asked, replies))


if __name__ == "__main__":
    typer.run(main)
