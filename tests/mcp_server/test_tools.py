"""Each tool over a storage, as the client of the SDK sees it in both eras of the protocol."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from mcp.shared.exceptions import MCPError
from mcp_client import ERAS, called, colours_of, connected, ids_of, object_of, refused, text_of

from qa_engine.config import Config
from qa_engine.documents.pdf.rendering import MARK
from qa_engine.mcp.local import LocalLibrary

READING = ["ask", "search", "fetch", "show_citation", "list_documents", "outline"]
QUESTION = "西湖的平均水深是多少？"


@pytest.mark.parametrize("era", ERAS)
async def test_tools_that_read_are_offered_and_described(library: LocalLibrary, era: str) -> None:
    async with connected(library, era) as client:
        tools = (await client.list_tools()).tools
        assert client.instructions
        assert "link" in client.instructions
    assert [tool.name for tool in tools] == READING
    for tool in tools:
        assert tool.title
        assert tool.description
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is True
        assert tool.annotations.destructive_hint is False
        assert tool.annotations.open_world_hint is False
        assert tool.input_schema["additionalProperties"] is False
        # A program that asks ChatGPT's way gives search and fetch one text.
        if tool.name in {"search", "fetch"}:
            assert len(tool.input_schema["properties"]) == 1
            assert tool.output_schema is not None


@pytest.mark.parametrize("era", ERAS)
async def test_an_answer_names_file_page_and_id_of_each_source(library: LocalLibrary, era: str) -> None:
    async with connected(library, era) as client:
        result = await called(client, "ask", question=QUESTION)
    text = text_of(result)
    assert result.structured_content is None
    assert "2.27" in text
    assert "来源：\n[1] 西湖介绍.pdf · 第 " in text
    assert ids_of(text)
    assert "server.public_url" in text  # there is no server, and that is said


async def test_a_refusal_says_so_and_names_the_nearest_passages(library: LocalLibrary) -> None:
    async with connected(library) as client:
        text = text_of(await called(client, "ask", question="火星的平均气温是多少？"))
    assert text.startswith("我无法回答您的问题")
    assert "拒答" in text
    assert "最接近的段落：\n- 西湖介绍.pdf · 第 " in text
    assert ids_of(text)


async def test_an_answer_may_come_from_other_collections_and_under_conditions(library: LocalLibrary) -> None:
    async with connected(library) as client:
        text = text_of(
            await called(client, "ask", question="What is the largest planet?", collections=["planets"])
        )
        assert "planets.pdf · 第 1 页" in text
        outside = text_of(await called(client, "ask", question=QUESTION, filters=["page>=50"]))
        assert outside.startswith("我无法回答您的问题")
        assert "no collection 'x'" in await refused(client, "ask", question=QUESTION, collections=["x"])
        assert "nonsense" in await refused(client, "ask", question=QUESTION, filters=["nonsense"])


@pytest.mark.parametrize("era", ERAS)
async def test_search_and_fetch_have_the_shapes_that_chatgpt_asks_for(
    library: LocalLibrary, era: str
) -> None:
    async with connected(library, era) as client:
        found = object_of(await called(client, "search", query=QUESTION))
        assert set(found) == {"results"}
        first = found["results"][0]
        for one in found["results"]:
            assert set(one) == {"id", "title", "url", "text"}
            assert all(isinstance(value, str) and value for value in one.values())
            assert one["text"].startswith(f"[c:{one['id']}] {one['title']}")
        assert "2.27" in first["text"]
        fetched = object_of(await called(client, "fetch", id=first["id"]))
    assert set(fetched) == {"id", "title", "text", "url", "metadata"}
    assert fetched["id"] == first["id"]
    assert "2.27" in fetched["text"]
    assert fetched["metadata"]["file"] == "西湖介绍.pdf"
    assert all(isinstance(value, str) for value in fetched["metadata"].values())
    # Where no page for people is known, the address is that of a resource.
    assert fetched["url"].startswith("qa://")


async def test_a_document_is_fetched_in_parts_and_by_page(
    library: LocalLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa_engine.mcp.documents.PART_CHARS", 150)
    async with connected(library) as client:
        listed = text_of(await called(client, "list_documents", collection="西湖"))
        identifier = listed.split("id: ")[1].split("\n")[0]
        assert identifier.startswith("西湖/")
        first = object_of(await called(client, "fetch", id=identifier))
        assert first["text"].count("【第 1 页") == 1
        text, part = first["text"], first
        while "next" in part["metadata"]:
            assert f'fetch("{part["metadata"]["next"]}")' in part["text"]
            part = object_of(await called(client, "fetch", id=part["metadata"]["next"]))
            text += part["text"]
        assert int(part["metadata"]["parts"]) > 1
        assert "西湖位于" in text
        assert "71.679米" in text
        assert "no part" in await refused(client, "fetch", id=f"{identifier}#99")
        bare = object_of(await called(client, "fetch", id=identifier.rpartition("/")[2]))
        assert bare["id"] == first["id"]


@pytest.mark.parametrize("era", ERAS)
async def test_a_citation_is_shown_on_its_page_with_the_sentence_marked(
    library: LocalLibrary, era: str
) -> None:
    async with connected(library, era) as client:
        answer = text_of(await called(client, "ask", question=QUESTION))
        identifier = ids_of(answer)[0]
        shown = await called(client, "show_citation", id=identifier)
    text = text_of(shown)
    assert "2.27" in text
    assert "西湖介绍.pdf · 第 " in text
    assert len(shown.content) > 1
    for content in shown.content[1:]:
        assert content.type == "image"
        assert content.mime_type == "image/png"
        assert MARK in colours_of(content.data)


async def test_a_citation_of_a_changed_file_is_shown_as_text_alone(
    tmp_path: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pdf_factory import chinese_pdf

    from qa_engine import ingest

    monkeypatch.setenv("QA_ENGINE_CACHE", str(model_cache))
    file = chinese_pdf(tmp_path / "a.pdf")
    ingest(file, tmp_path / "storage", config={})
    file.unlink()
    library = LocalLibrary(Config(storage=tmp_path / "storage"))
    async with connected(library) as client:
        found = object_of(await called(client, "search", query=QUESTION))
        shown = await called(client, "show_citation", id=found["results"][0]["id"])
    await library.close()
    assert len(shown.content) == 1
    assert "2.27" in text_of(shown)
    assert "was changed or removed" in text_of(shown)


async def test_lists_and_outlines_are_text(library: LocalLibrary) -> None:
    async with connected(library) as client:
        every = text_of(await called(client, "list_documents"))
        assert "共 2 个文件" in every
        assert "集合 西湖\n- 西湖介绍.pdf · " in every
        named = text_of(await called(client, "list_documents", name="PLANET"))
        assert "planets.pdf" in named
        assert "西湖" not in named
        identifier = named.split("id: ")[1].split("\n")[0]
        outline = text_of(await called(client, "outline", file_id=identifier))
        assert outline.startswith("planets.pdf · ")
        assert "No file" in await refused(client, "list_documents", name="nothing of the kind")
        assert "西湖" in await refused(client, "list_documents", collection="other")
        assert "list_documents" in await refused(client, "outline", file_id="0" * 16)
        assert "page 7" in await refused(client, "list_documents", page=7)


async def test_links_are_those_of_a_server_that_is_configured(
    documents: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QA_ENGINE_CACHE", str(model_cache))
    settings = {"public_url": "https://qa.example.com/docs"}
    library = LocalLibrary(Config(storage=documents, collection="西湖", server=settings))
    async with connected(library) as client:
        text = text_of(await called(client, "ask", question=QUESTION))
        found = object_of(await called(client, "search", query=QUESTION))
    await library.close()
    identifier = ids_of(text)[0]
    assert f"https://qa.example.com/docs/c/{identifier}" in text
    assert "public_url" not in text
    assert found["results"][0]["url"].startswith("https://qa.example.com/docs/c/")
    assert found["results"][0]["url"] in found["results"][0]["text"]


async def test_named_collections_are_all_that_is_seen(
    documents: Path, library: LocalLibrary, model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QA_ENGINE_CACHE", str(model_cache))
    narrow = LocalLibrary(Config(storage=documents), ["planets"])
    async with connected(library) as client:
        lake = object_of(await called(client, "search", query=QUESTION))["results"][0]["id"]
        listed = text_of(await called(client, "list_documents", collection="西湖"))
        file_id = listed.split("id: ")[1].split("\n")[0]
    async with connected(narrow) as client:
        assert "西湖" not in text_of(await called(client, "list_documents"))
        for tool, arguments in (
            ("fetch", {"id": lake}),
            ("fetch", {"id": file_id}),
            ("fetch", {"id": file_id.rpartition("/")[2]}),
            ("show_citation", {"id": lake}),
            ("outline", {"file_id": file_id}),
            ("ask", {"question": QUESTION, "collections": ["西湖"]}),
        ):
            assert "There is no" in await refused(client, tool, **arguments)
        with pytest.raises(MCPError, match="no document"):
            await client.read_resource(f"qa://{file_id}")
    await narrow.close()


@pytest.mark.parametrize("era", ERAS)
async def test_documents_and_pages_are_resources_and_there_is_a_prompt(
    library: LocalLibrary, era: str
) -> None:
    async with connected(library, era) as client:
        templates = (await client.list_resource_templates()).resource_templates
        assert [one.uri_template for one in templates] == [
            "qa://{collection}/{file_id}",
            "qa://{collection}/{file_id}/page/{page}",
        ]
        listed = text_of(await called(client, "list_documents", collection="西湖"))
        identifier = listed.split("id: ")[1].split("\n")[0]
        document = (await client.read_resource(f"qa://{identifier}")).contents[0]
        assert "西湖位于" in document.text
        page = (await client.read_resource(f"qa://{identifier}/page/1")).contents[0]
        assert page.mime_type == "image/png"
        assert MARK not in colours_of(page.blob)
        for address in (
            f"qa://{identifier}/page/99",
            "qa://x/../y",
            "file:///etc/passwd",
            "qa://西湖/" + "0" * 16,
        ):
            with pytest.raises(MCPError):
                await client.read_resource(address)
        [prompt] = (await client.list_prompts()).prompts
        assert prompt.name == "带引用回答"
        filled = await client.get_prompt(prompt.name, {"question": "年假有几天？"})
        assert "年假有几天？" in filled.messages[0].content.text
        with pytest.raises(MCPError):
            await client.get_prompt(prompt.name, {})


async def test_several_calls_run_at_once_and_one_may_be_left(library: LocalLibrary) -> None:
    async with connected(library) as client:
        await called(client, "ask", question=QUESTION)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await client.call_tool("ask", {"question": QUESTION})
        results = await asyncio.gather(
            *(called(client, "ask", question=QUESTION) for _ in range(6)),
            *(called(client, "list_documents") for _ in range(6)),
        )
    assert len({text_of(result) for result in results}) == 2


async def test_an_answer_that_takes_too_long_is_given_up(
    documents: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QA_ENGINE_CACHE", str(model_cache))
    library = LocalLibrary(Config(storage=documents, collection="西湖", server={"question_seconds": 0.001}))
    await library.warm()
    async with connected(library) as client:
        assert "server.question_seconds" in await refused(client, "ask", question=QUESTION)
    await library.close()


async def test_a_fault_of_the_server_shows_nothing_of_itself(
    library: LocalLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("/srv/secret")

    monkeypatch.setattr(library, "visible", fail)
    async with connected(library) as client:
        sentence = await refused(client, "list_documents")
    assert "secret" not in sentence
    assert "log" in sentence


async def test_a_storage_without_documents_says_so(tmp_path: Path) -> None:
    library = LocalLibrary(Config(storage=tmp_path / "none"))
    async with connected(library) as client:
        assert "ingest" in await refused(client, "ask", question=QUESTION)
        assert "ingest" in await refused(client, "search", query=QUESTION)
        assert "ingest" in await refused(client, "list_documents")
        with pytest.raises(MCPError, match="There is no tool 'delete_document'"):
            await client.call_tool("delete_document", {"id": "0" * 16})
    await library.close()
