"""Why a page is not found, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from served import ServedApp, served

from qa_engine import ingest
from qa_engine.server import access
from qa_engine.server.access import Access

QUESTION = "雷峰塔有多高？"
HEADER, FOOTER = "杭州风物志", "第 {} 页"


def guide(path: Path) -> Path:
    """Five pages: text, a header alone, a blank one, a picture, and text."""
    document = pymupdf.open()
    texts = ["雷峰塔始建于公元975年，现在的塔高71.679米。", "", None, None, "西湖的平均水深为2.27米。"]
    for number, text in enumerate(texts, 1):
        page = document.new_page()
        if text is not None:
            page.insert_text((72, 40), HEADER, fontname="china-s", fontsize=9)
            page.insert_text((280, 810), FOOTER.format(number), fontname="china-s", fontsize=9)
            page.insert_text((72, 120), text, fontname="china-s", fontsize=12)
    picture = pymupdf.Pixmap(pymupdf.csGRAY, pymupdf.IRect(0, 0, 200, 200))
    picture.clear_with(120)
    document[3].insert_image(document[3].rect, pixmap=picture)
    document.save(path)
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[ServedApp]:
    folder = tmp_path_factory.mktemp("why")
    config = {"documents": {"ocr": "never"}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        ingest(guide(folder / "风物志.pdf"), folder / "storage", "西湖", config)
        ingest(guide(folder / "另一份.pdf"), folder / "storage", "其他", config)
        with served(folder / "storage", "西湖", **config) as one:
            yield one


def file_id(server: ServedApp, collection: str = "西湖") -> str:
    (file,) = server.client.get(f"/api/v1/collections/{collection}/files").json()["data"]
    return str(file["file_id"])


def why(server: ServedApp, page: int, status: int = 200, **fields: Any) -> dict[str, Any]:
    body = {"question": QUESTION, "collection": "西湖", "file_id": file_id(server), "page": page, **fields}
    response = server.client.post("/api/v1/search/page", json=body)
    assert response.status_code == status, response.text
    found: dict[str, Any] = response.json()
    return found


def test_page_that_is_there(server: ServedApp) -> None:
    found = why(server, 1)
    assert (found["outcome"], found["rank"], found["top_k"], found["pages"]) == ("shown", 1, 10, 5)
    assert found["file"] == "风物志.pdf"
    assert found["unread"] is None
    (part,) = found["parts"]
    assert {one["stage"] for one in part["lists"]} == {"dense", "bm25"}


@pytest.mark.parametrize(
    ("page", "reason"),
    [(2, "left_out"), (3, "blank"), (4, "awaits_ocr"), (6, "out_of_range")],
)
def test_page_without_sentences(server: ServedApp, page: int, reason: str) -> None:
    found = why(server, page)
    assert (found["outcome"], found["unread"]["reason"]) == ("no_sentences", reason)
    assert (HEADER in found["unread"]["lines"]) == (reason == "left_out")
    assert found["parts"] == []


def test_conditions_and_collections(server: ServedApp) -> None:
    assert why(server, 1, filters=["page=5"])["outcome"] == "filtered"
    assert why(server, 5, top_k=1, filters=["page=1-5"])["outcome"] in {"below_top_k", "shown"}
    other = {"collection": "其他", "file_id": file_id(server, "其他")}
    assert why(server, 1, **other)["outcome"] == "other_collection"
    assert why(server, 1, **other, collections=["其他"])["outcome"] == "shown"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"page": 0}, 422),
        ({"question": " "}, 422),
        ({"filters": ["page"]}, 422),
        ({"file_id": "none"}, 404),
        ({"collection": "none"}, 404),
        ({"collections": ["none"]}, 404),
        ({"unknown": 1}, 422),
    ],
)
def test_mistakes(server: ServedApp, fields: dict[str, Any], status: int) -> None:
    why(server, **{"page": 1, **fields}, status=status)


def test_collection_that_the_key_does_not_see(server: ServedApp, monkeypatch: pytest.MonkeyPatch) -> None:
    other = {"collection": "其他", "file_id": file_id(server, "其他")}
    limited = Access("limited", frozenset({"read"}), frozenset({"西湖"}))
    monkeypatch.setattr(access, "access_of", lambda request: limited)
    assert why(server, 1)["outcome"] == "shown"
    why(server, 1, 404, **other)


def test_file_that_is_gone_is_not_blamed(server: ServedApp, tmp_path: Path, model_cache: Path) -> None:
    file = guide(tmp_path / "旧.pdf")
    ingest(file, tmp_path / "storage", "西湖", {"documents": {"ocr": "never"}})
    file.unlink()
    with served(tmp_path / "storage", "西湖") as other:
        found = why(other, 3)
    assert (found["outcome"], found["unread"]["reason"]) == ("no_sentences", "unknown")
