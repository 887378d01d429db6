"""The files of a collection over HTTP: lists, facts, and the files themselves."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from ingest_process import PARSING_POOL, ParsingInPlace
from pdf_factory import chinese_pdf, english_pdf
from served import ServedApp, served
from served_files import COLLECTION, FILES, get, ingest_files, ingest_files_in_place, record_of
from upload_server import UploadServer

from qa_engine import ingest_documents
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.records import DocumentParts, FileRecord

EXAMPLES = Path(__file__).parents[3] / "examples"
HOSTILE = [
    "<img src=x onerror=alert(1)>.pdf",
    "100%25 #1?x=y.pdf",
    "a\x1b]0;title\x07.pdf",
    'quote"; filename="x.exe.pdf',
    "x..%2f..%2fetc.pdf",
    "中文 名字.pdf",
    "line\r\nSet-Cookie: a=b.pdf",
]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a collection of the examples and of files with hostile names."""
    folder = tmp_path_factory.mktemp("shelf")
    (folder / "files").mkdir()
    for path in EXAMPLES.glob("*.pdf"):
        shutil.copy(path, folder / "files")
    english_pdf(folder / "planets.pdf")
    for name in HOSTILE:
        shutil.copy(folder / "planets.pdf", folder / "files" / name)
    return ingest_files_in_place(folder)


@pytest.fixture(scope="module")
def library(shelf: Path) -> Iterator[ServedApp]:
    with served(shelf / "storage", COLLECTION) as one:
        yield one


def file_path(shelf: Path, name: str) -> str:
    return f"{FILES}/{record_of(shelf, name).file_id}"


class TestList:
    def test_parts_are_all_files_by_name(self, library: ServedApp, shelf: Path) -> None:
        names, cursor = [], None
        while True:
            part = get(library, FILES, params={"limit": 3} | ({"cursor": cursor} if cursor else {}))
            names += [file["file"] for file in part["data"]]
            if (cursor := part["next_cursor"]) is None:
                break
        assert names == sorted(path.name for path in (shelf / "files").iterdir())

    def test_states_are_told_if_they_are_asked_for(self, library: ServedApp) -> None:
        assert {file["state"] for file in get(library, FILES)["data"]} == {None}
        assert {file["state"] for file in get(library, FILES, params={"states": True})["data"]} == {
            "unchanged"
        }

    def test_line_has_no_path(self, library: ServedApp, shelf: Path) -> None:
        text = library.client.get(FILES).text
        assert str(shelf) not in text
        assert "/files" not in text
        (file,) = [file for file in get(library, FILES)["data"] if file["file"] == "员工手册.pdf"]
        assert (file["pages"], file["size"]) == (3, (EXAMPLES / "员工手册.pdf").stat().st_size)

    def test_part_of_a_name_in_any_case(self, library: ServedApp) -> None:
        found = get(library, FILES, params={"q": "SUPPLY"})["data"]
        assert [file["file"] for file in found] == ["供货合同-supply-contract.pdf"]
        assert get(library, FILES, params={"q": "%"})["data"] != get(library, FILES)["data"]
        assert get(library, FILES, params={"q": "nirgends"}) == {"data": [], "next_cursor": None}

    def test_order(self, library: ServedApp) -> None:
        sizes = [file["size"] for file in get(library, FILES, params={"sort": "-size"})["data"]]
        assert sizes == sorted(sizes, reverse=True)

    @pytest.mark.parametrize(
        "query", [{"limit": 0}, {"limit": 201}, {"limit": "x"}, {"sort": "colour"}, {"cursor": "nonsense"}]
    )
    def test_query_that_cannot_be_used_is_refused(self, query: dict[str, str], library: ServedApp) -> None:
        problem = get(library, FILES, 422, params=query)
        assert problem["code"] == "invalid_request"
        assert problem["errors"][0]["pointer"] == f"query:{next(iter(query))}"

    def test_unknown_collection_does_not_tell_of_others(self, library: ServedApp) -> None:
        problem = get(library, "/api/v1/collections/nirgends/files", 404)
        assert problem["code"] == "not_found"
        assert COLLECTION not in str(problem)

    @pytest.mark.parametrize("name", ["..", "%00", "%2e%2e", "x" * 300, "_server"])
    def test_names_that_no_collection_has(self, name: str, library: ServedApp) -> None:
        assert library.client.get(f"/api/v1/collections/{name}/files").status_code in {404, 422}


def test_thousand_files_are_listed_while_others_come(tmp_path: Path) -> None:
    paths = collection_paths(tmp_path / "storage", "many")
    paths.root.mkdir(parents=True)
    catalog = Catalog(paths.catalog, create=True)

    def add(numbers: range) -> None:
        with catalog.together():
            for number in numbers:
                record = FileRecord(f"/f/{number:04}.pdf", f"{number:04}.pdf", 1, 1, 1, "", "", f"d{number}")
                catalog.begin(record.document_id, 1)
                catalog.commit(record, DocumentParts([], [["x"]]))

    add(range(0, 2000, 2))
    with served(tmp_path / "storage", "many") as server:
        files = "/api/v1/collections/many/files"
        names, cursor = [], None
        for come in (range(1, 400, 2), range(401, 800, 2), range(0), range(0), range(0), range(0), range(0)):
            part = get(server, files, params={"limit": 200} | ({"cursor": cursor} if cursor else {}))
            names += [file["file"] for file in part["data"]]
            cursor = part["next_cursor"]
            add(come)
            if cursor is None:
                break
    catalog.close()
    assert len(names) == len(set(names))
    assert names == sorted(names)
    assert {f"{number:04}.pdf" for number in range(0, 2000, 2)} <= set(names)


class TestFile:
    def test_facts_are_those_of_the_command_without_paths(self, library: ServedApp, shelf: Path) -> None:
        facts = get(library, file_path(shelf, "员工手册.pdf"))
        assert facts["state"] == "unchanged"
        assert facts["chinese_share"] == 1.0
        assert "员工手册 › 第三章 休假" in facts["sections"]
        assert facts["identity"]["kind"] == "handbook"
        assert str(shelf) not in str(facts)

    def test_copies_are_named_by_their_ids(self, library: ServedApp, shelf: Path) -> None:
        copies = get(library, file_path(shelf, HOSTILE[0]))["copies"]
        assert sorted(copies) == sorted(record_of(shelf, name).file_id for name in HOSTILE[1:])

    @pytest.mark.parametrize("end", ["", "/outline", "/content", "/pages/1", "/pages/1.svg", "/pages/1.png"])
    def test_unknown_file_is_not_found(self, end: str, library: ServedApp) -> None:
        for name in ("0123456789abcdef", "员工手册.pdf", "%2e%2e", "x'y"):
            assert get(library, f"{FILES}/{name}{end}", 404)["code"] == "not_found"

    def test_outline_has_sections_with_their_pages(self, library: ServedApp, shelf: Path) -> None:
        sections = get(library, f"{file_path(shelf, '员工手册.pdf')}/outline")["data"]
        assert [section["title"] for section in sections][:2] == ["员工手册", "第一章 总则"]
        assert [section["level"] for section in sections][:2] == [1, 2]
        assert sections[1]["titles"] == ["员工手册", "第一章 总则"]
        assert [section["page"] for section in sections] == sorted(section["page"] for section in sections)
        assert sections[-1]["page_end"] == 3


class TestContent:
    def test_file_comes_as_it_is_to_be_saved(self, library: ServedApp, shelf: Path) -> None:
        response = library.client.get(f"{file_path(shelf, '员工手册.pdf')}/content")
        assert response.content == (EXAMPLES / "员工手册.pdf").read_bytes()
        assert response.headers["content-type"] == "application/pdf"
        assert response.headers["content-disposition"].startswith("attachment")
        assert response.headers["etag"] == f'"{record_of(shelf, "员工手册.pdf").sha256}"'
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in response.headers["content-security-policy"]

    def test_browser_shows_a_pdf_on_request(self, library: ServedApp, shelf: Path) -> None:
        response = library.client.get(
            f"{file_path(shelf, '员工手册.pdf')}/content", params={"inline": "true"}
        )
        assert response.headers["content-disposition"].startswith("inline")
        assert response.headers["content-type"] == "application/pdf"

    def test_client_that_has_it_gets_no_body(self, library: ServedApp, shelf: Path) -> None:
        path = f"{file_path(shelf, '员工手册.pdf')}/content"
        etag = library.client.get(path).headers["etag"]
        response = library.client.get(path, headers={"If-None-Match": f'"x", {etag}'})
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == etag

    @pytest.mark.parametrize(
        ("header", "part"),
        [("bytes=0-9", slice(0, 10)), ("bytes=-7", slice(-7, None)), ("bytes=45000-", slice(45000, None))],
    )
    def test_range(self, header: str, part: slice, library: ServedApp, shelf: Path) -> None:
        path, content = (
            f"{file_path(shelf, '员工手册.pdf')}/content",
            (EXAMPLES / "员工手册.pdf").read_bytes(),
        )
        response = library.client.get(path, headers={"Range": header})
        assert response.status_code == 206
        assert response.content == content[part]
        assert response.headers["content-range"].endswith(f"/{len(content)}")

    @pytest.mark.parametrize("header", ["bytes=0-1,5-6", "bytes=9-1", "pages=1-2", "nonsense"])
    def test_other_ranges_get_the_whole(self, header: str, library: ServedApp, shelf: Path) -> None:
        path = f"{file_path(shelf, '员工手册.pdf')}/content"
        response = library.client.get(path, headers={"Range": header})
        assert (response.status_code, len(response.content)) == (
            200,
            (EXAMPLES / "员工手册.pdf").stat().st_size,
        )

    def test_range_of_another_version_gets_the_whole(self, library: ServedApp, shelf: Path) -> None:
        path = f"{file_path(shelf, '员工手册.pdf')}/content"
        response = library.client.get(path, headers={"Range": "bytes=0-1", "If-Range": '"old"'})
        assert response.status_code == 200

    def test_range_behind_the_end_is_a_problem_with_the_size(self, library: ServedApp, shelf: Path) -> None:
        path = f"{file_path(shelf, '员工手册.pdf')}/content"
        response = library.client.get(path, headers={"Range": "bytes=999999999-"})
        assert (response.status_code, response.json()["code"]) == (416, "range_not_satisfiable")
        assert response.headers["content-range"] == f"bytes */{(EXAMPLES / '员工手册.pdf').stat().st_size}"

    @pytest.mark.parametrize("name", HOSTILE)
    def test_hostile_name_stays_one_name(self, name: str, library: ServedApp, shelf: Path) -> None:
        facts = get(library, file_path(shelf, name))
        assert facts["file"] == name
        response = library.client.get(f"{file_path(shelf, name)}/content")
        assert response.content.startswith(b"%PDF")
        assert "set-cookie" not in response.headers
        disposition = response.headers["content-disposition"]
        parts = re.fullmatch(r"attachment; filename=\"([^\"]*)\"; filename\*=UTF-8''(\S+)", disposition)
        assert parts is not None
        saved = unquote(parts[2])
        assert not set(saved) & set("/\\\r\n\x1b\x07")
        assert name.isprintable() is False or saved == name


@pytest.fixture
def one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ServedApp, Path, str]]:
    """A server over a collection of ``a.pdf``, the folder of it, and the address of the file."""
    monkeypatch.setattr(PARSING_POOL, ParsingInPlace)
    chinese_pdf(tmp_path / "files" / "a.pdf")
    folder = ingest_files(tmp_path)
    with served(folder / "storage", COLLECTION) as server:
        yield server, folder, file_path(folder, "a.pdf")


class TestVersions:
    def test_file_that_was_touched_is_the_same(self, one_file: tuple[ServedApp, Path, str]) -> None:
        server, folder, path = one_file
        os.utime(folder / "files" / "a.pdf", (1, 1))
        assert server.client.get(f"{path}/content").status_code == 200
        assert server.client.get(f"{path}/pages/1.svg").status_code == 200

    @pytest.mark.parametrize("change", ["changed", "removed"])
    def test_file_that_changed_on_the_disk_is_gone(
        self, change: str, one_file: tuple[ServedApp, Path, str]
    ) -> None:
        server, folder, path = one_file
        assert server.client.get(f"{path}/pages/1.svg").status_code == 200
        (folder / "files" / "a.pdf").unlink()
        if change == "changed":
            chinese_pdf(folder / "files" / "a.pdf", ["另一个版本。"])
        for end in ("content", "pages/1", "pages/1.svg", "pages/1.png"):
            problem = get(server, f"{path}/{end}", 410)
            assert problem["code"] == "gone"
            assert str(folder) not in str(problem)
        assert get(server, path)["state"] == ("changed" if change == "changed" else "gone")

    def test_file_that_was_read_again_keeps_its_id_and_old_images_are_gone(
        self, one_file: tuple[ServedApp, Path, str]
    ) -> None:
        server, folder, path = one_file
        old = get(server, path)["document_id"]
        assert server.client.get(f"{path}/pages/1.svg", params={"v": old}).status_code == 200
        chinese_pdf(folder / "files" / "a.pdf", ["另一个版本。"])
        ingest_files(folder)
        new = get(server, path)["document_id"]
        assert new != old
        assert server.client.get(f"{path}/pages/1.svg", params={"v": new}).status_code == 200
        assert get(server, f"{path}/pages/1.svg", 410, params={"v": old})["code"] == "gone"

    def test_file_that_left_the_collection_is_not_found(self, one_file: tuple[ServedApp, Path, str]) -> None:
        server, folder, path = one_file
        assert get(server, path)["file"] == "a.pdf"
        (folder / "files" / "a.pdf").unlink()
        chinese_pdf(folder / "files" / "b.pdf", ["别的文件。"])
        ingest_files(folder)
        for end in ("", "/content", "/pages/1", "/pages/1.svg"):
            assert get(server, f"{path}{end}", 404)["code"] == "not_found"

    def test_images_of_a_file_that_left_the_collection_go_with_the_next_start(
        self, one_file: tuple[ServedApp, Path, str]
    ) -> None:
        server, folder, _ = one_file
        chinese_pdf(folder / "files" / "b.pdf", ["别的文件。"])
        ingest_files(folder)
        for name in ("a.pdf", "b.pdf"):
            assert server.client.get(f"{file_path(folder, name)}/pages/1.svg").status_code == 200
        kept = server.app.state.server.folder / "pages"
        documents = {record_of(folder, name).document_id for name in ("a.pdf", "b.pdf")}
        assert {image.name.partition("-")[0] for image in kept.iterdir()} == documents
        (folder / "files" / "a.pdf").unlink()
        ingest_files(folder)
        with served(folder / "storage", COLLECTION):
            left = {image.name.partition("-")[0] for image in kept.iterdir()}
        assert left == {record_of(folder, "b.pdf").document_id}


def test_uploaded_file_is_given_and_drawn_like_any_other(uploading: UploadServer, pdf: bytes) -> None:
    name, files = "木星 #1.pdf", uploading.files("drawn")
    sent = uploading.client.put(f"{files}/{quote(name, safe='')}", content=pdf).json()
    uploading.over(sent["id"])
    (file,) = get(uploading.app, files)["data"]
    assert file["file"] == name
    path = f"{files}/{file['file_id']}"
    assert uploading.client.get(f"{path}/content").content == pdf
    page = get(uploading.app, f"{path}/pages/1")
    assert uploading.client.get(page["image"]).headers["content-type"] == "image/svg+xml"
    cited = get(uploading.app, f"/api/v1/citations/{page['sentences'][0]['id']}")
    assert (cited["file"], cited["text"]) == (name, "Jupiter is the largest planet.")
    assert uploading.client.get(f"/c/{cited['id']}").status_code == 200
    told = str([file, page, cited, get(uploading.app, path)])
    assert str(uploading.storage) not in told
    assert "upload:" not in told


def test_text_without_a_file_has_facts_and_no_content(tmp_path: Path, hash_embedding: object) -> None:
    from llama_index.core import Document

    document = Document(text="年假有十天。", doc_id="wiki/年假")
    ingest_documents([document], tmp_path / "storage", COLLECTION, embed_model=hash_embedding)  # type: ignore[arg-type]
    with served(tmp_path / "storage", COLLECTION) as server:
        (line,) = get(server, FILES)["data"]
        path = f"{FILES}/{line['file_id']}"
        assert get(server, path)["state"] == "unchanged"
        assert get(server, f"{path}/content", 404)["code"] == "not_found"
        page = get(server, f"{path}/pages/1")
        assert [sentence["text"] for sentence in page["sentences"]] == ["年假有十天。"]
        assert page["image"] is page["width"] is None
        cited = get(server, f"/api/v1/citations/{page['sentences'][0]['id']}")
        assert (cited["text"], cited["pages"], cited["content"]) == ("年假有十天。", [], None)
        assert "没有页面可以显示" in server.client.get(f"/c/{cited['id']}").text
