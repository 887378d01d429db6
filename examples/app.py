"""A small application: asks the collection that was made of this folder, in every way that there is.

qa-engine ingest examples --collection demo
python examples/app.py [COLLECTION] [STORAGE]
"""

from __future__ import annotations

import asyncio
import sys

from llama_index.core.llms import LLM

from qa_engine import Answer, QueryEngine
from qa_engine.errors import QAEngineError

LEAVE = "工作满十年的员工每年有几天年假？"
FILTER = "净水机的反渗透滤芯多久更换一次？"


def open_engine(collection: str, storage: str, llm: LLM | None = None) -> QueryEngine:
    """An engine with the configured language model, or with any of LlamaIndex; without either it quotes."""
    return QueryEngine.open(storage, collection, llm=llm)


def show(answer: Answer) -> None:
    """An answer, and the pages that it is from."""
    print(answer.response)
    for citation in answer.citations:
        print(f"  [{citation.number}] {citation.file}, page {citation.page}: {citation.text}")


def stream(engine: QueryEngine, question: str) -> Answer:
    """Prints an answer while it is made. Leaving the block early ends the request."""
    with engine.stream(question) as pieces:
        for piece in pieces:
            print(piece, end="", flush=True)
    print()
    return pieces.answer


async def ask_all(engine: QueryEngine, *questions: str) -> list[Answer]:
    """Several answers at the same time."""
    return await asyncio.gather(*(engine.aquery(question) for question in questions))


def main(collection: str = "demo", storage: str = "storage") -> None:
    """Asks, and shows what comes back."""
    with open_engine(collection, storage) as engine:
        show(engine.query(LEAVE))
        print(len(stream(engine, FILTER).citations), "citations")
        for answer in asyncio.run(ask_all(engine, LEAVE, FILTER)):
            print(answer.question, answer.refused, answer.probability)
        for passage in engine.as_retriever(top_k=3).retrieve(LEAVE):
            print(passage.score, passage.metadata["file_name"], passage.metadata["page"])
        session = engine.chat()
        session.ask(FILTER)
        show(session.ask("它多少钱？"))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:3])
    except QAEngineError as error:
        sys.exit(str(error))
