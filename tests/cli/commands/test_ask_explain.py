"""``ask --explain`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import run
from openai_server import OpenAIServer, chat, error
from pdf_factory import llama_paper

QUESTION = "他们发布了哪些参数规模的模型？"
TRANSLATION = "Which model variants did they release, with how many parameters?"
EXPLAINED = {
    "about",
    "queries",
    "expansion",
    "condensation",
    "glossary",
    "translated",
    "parts",
    "missing",
    "judged_as",
    "probability",
    "timings",
    "passages",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    folder = tmp_path_factory.mktemp("explain")
    llama_paper(folder / "llama2.pdf")
    assert run("ingest", "llama2.pdf", cwd=folder, QA_ENGINE_CACHE=str(model_cache)).returncode == 0
    return folder


def expanding(server: OpenAIServer) -> dict[str, str]:
    return {
        "QA_ENGINE_LLM__MODEL": "qwen-plus",
        "QA_ENGINE_LLM__BASE_URL": server.url,
        "QA_ENGINE_RETRIEVAL__EXPANSION": "translate",
    }


def test_expansion_without_a_model_is_wrong_configuration(place: Path, local_model: Path) -> None:
    done = run("ask", QUESTION, cwd=place, QA_ENGINE_RETRIEVAL__EXPANSION="translate")
    assert (done.returncode, done.stdout) == (2, "")
    assert "retrieval.expansion = 'translate' needs a language model" in done.stderr


def test_failed_expansion_is_shown_and_the_search_goes_on(place: Path, local_model: Path) -> None:
    with OpenAIServer(error(500, "kaputt")) as server:
        done = run("ask", QUESTION, "--search-only", "--explain", cwd=place, **expanding(server))
    assert done.returncode == 0
    assert "not expanded: The language model 'qwen-plus' at 127.0.0.1" in done.stdout
    assert "kaputt" in done.stdout
    assert (
        done.stderr == "warning: The language model did not expand the question: ServiceUnavailableError.\n"
    )


def test_people_see_queries_weights_ranks_and_terms(place: Path, local_model: Path) -> None:
    with OpenAIServer(chat(f"translation: {TRANSLATION}"), chat("7B、13B和70B[1]。")) as server:
        done = run("ask", QUESTION, "--explain", cwd=place, **expanding(server))
    assert done.returncode == 0, done.stderr
    for words in (
        "(1)",
        "terms: ",
        "parameters",
        f"expanded: {TRANSLATION}",
        f"query: {QUESTION}",
        f"query: {TRANSLATION}",
        "of its terms known; weights: dense 0.",
        f"reranked as: {TRANSLATION}",
        "probability that the passages hold the answer: ",
        "seconds: expand ",
        "models: embedding multilingual-e5-small",
    ):
        assert words in done.stdout


def test_they_are_hidden_without_the_option(place: Path, local_model: Path) -> None:
    shown = run("ask", TRANSLATION, "--search-only", cwd=place).stdout
    assert "rerank" in shown
    assert "(1)" not in shown
    assert "query: " not in shown
    assert "explanation" not in json.loads(run("ask", TRANSLATION, "--json", cwd=place).stdout)


@pytest.mark.parametrize("search_only", [[], ["--search-only"]])
def test_json_has_the_explanation_beside_the_rest(
    place: Path, local_model: Path, search_only: list[str]
) -> None:
    content = json.loads(run("ask", TRANSLATION, "--explain", "--json", *search_only, cwd=place).stdout)
    assert set(content["explanation"]) == EXPLAINED
    assert [p["rank"] for p in content["explanation"]["passages"]] == [p["rank"] for p in content["passages"]]
    assert content["explanation"]["expansion"] is None
    assert content["explanation"]["queries"][0]["query"] == TRANSLATION
