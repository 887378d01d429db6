"""Uploads over HTTP: what is let in, under which name, and what is refused before or after its bytes."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
from urllib.parse import quote

import httpx
import pytest
from upload_server import UploadServer

from qa_engine.index.records import file_id

TOO_LARGE = 2_000_001


def problem(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def put(server: UploadServer, name: str, body: bytes, **headers: str) -> httpx.Response:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return server.client.put(f"{server.files()}/{quote(name, safe='')}", content=body, headers=named)


def exchange(server: UploadServer, head: str, body: bytes = b"", shut: bool = False) -> bytes:
    """What a connection answers with, up to the end of the header; ``shut`` leaves after the body."""
    host, port = server.app.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(f"{head}\r\nHost: {host}:{port}\r\n\r\n".encode() + body)
        if shut:
            return b""
        answer = b""
        while b"\r\n\r\n" not in answer and (received := connection.recv(4096)):
            answer += received
        return answer


@pytest.mark.parametrize("name", ["年报 #1 100%25.pdf", "a?b&c=d;e.pdf"])
def test_a_file_is_put_under_its_name_and_found_by_a_question(
    name: str, uploading: UploadServer, pdf: bytes
) -> None:
    response = put(uploading, name, pdf)
    assert response.status_code == 202
    job = response.json()
    assert response.headers["Location"] == f"/api/v1/jobs/{job['id']}"
    over = uploading.over(job["id"])
    assert over["state"] == "succeeded"
    assert over["files"][0]["name"] == name  # type: ignore[index]
    counted = uploading.client.get("/metrics").text
    assert "qa_engine_queued_files 0.0" in counted
    assert "qa_engine_pages_ingested_total 0.0" not in counted
    with uploading.state.engines.engine(["default"]) as engine:
        nodes = engine.retrieve("Which planet is the largest?", top_k=1)
    assert "Jupiter" in nodes[0].text
    again = put(uploading, name, pdf)
    assert again.status_code == 200
    unchanged = {"name": name, "file_id": file_id(f"upload:/{name}")}
    assert again.json() == {"collection": "default", "status": "unchanged", "files": [unchanged]}


def test_folders_of_a_name_are_left_out(uploading: UploadServer, pdf: bytes) -> None:
    for sent in ("..%2F..%2Fx%5Cb%09.pdf", "b%0A.pdf"):
        response = uploading.client.put(f"{uploading.files()}/{sent}", content=pdf + sent.encode())
        assert response.json()["files"][0]["name"] == "b.pdf"
        uploading.over(response.json()["id"])
    assert not (uploading.storage.parent / "b.pdf").exists()


@pytest.mark.parametrize("name", ["%2F", "..", "%2E%2E%2F", "%00", "%20"])
def test_what_leaves_no_name_is_refused(name: str, uploading: UploadServer, pdf: bytes) -> None:
    answer = exchange(uploading, f"PUT {uploading.files()}/{name} HTTP/1.1\r\nContent-Length: 4", pdf[:4])
    assert answer.startswith(b"HTTP/1.1 422")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 422, "invalid_request"),
        (b"PK\x03\x04" + b"\0" * 5000, 415, "unsupported_type"),
        (b"hello" * 1000, 415, "unsupported_type"),
        (b"x" * 1024 + b"%PDF-1.7", 415, "unsupported_type"),
    ],
)
def test_what_is_no_pdf_is_refused_by_its_content(
    body: bytes, status: int, code: str, uploading: UploadServer
) -> None:
    response = put(uploading, "a.pdf", body)
    assert problem(response) == (status, code)
    assert uploading.left_over() == []


def test_the_problem_names_what_it_is_instead(uploading: UploadServer) -> None:
    assert "a ZIP archive" in put(uploading, "报告.pdf", b"PK\x03\x04" + b"\0" * 9).json()["detail"]
    body = put(uploading, "报告.docx", b"\x89PNG\r\n\x1a\n" + b"\0" * 9).json()
    assert "a PNG picture, and not what its name says" in body["detail"]
    assert ".docx" in body["fix"]


def test_a_body_that_is_too_large_is_refused_with_and_without_its_length(uploading: UploadServer) -> None:
    assert problem(put(uploading, "a.pdf", b"%PDF-" * 500_000)) == (413, "payload_too_large")
    pieces = (b"%PDF-" * 20_000 for _ in range(30))
    response = uploading.client.put(f"{uploading.files()}/a.pdf", content=pieces)
    assert problem(response) == (413, "payload_too_large")
    assert uploading.left_over() == []


def test_a_digest_is_compared(uploading: UploadServer, pdf: bytes) -> None:
    def header(digest: bytes) -> str:
        return f"sha-512=:AAAA:, sha-256=:{base64.b64encode(digest).decode()}:"

    wrong = put(uploading, "d.pdf", pdf, Content_Digest=header(b"\0" * 32))
    assert problem(wrong) == (400, "digest_mismatch")
    assert problem(put(uploading, "d.pdf", pdf, Content_Digest="sha-256=x")) == (400, "malformed_request")
    assert problem(put(uploading, "d.pdf", pdf, Content_Digest="sha-256=:=:")) == (400, "malformed_request")
    right = put(uploading, "d.pdf", pdf, Content_Digest=header(hashlib.sha256(pdf).digest()))
    assert right.status_code == 202
    uploading.over(right.json()["id"])


def test_a_file_that_exists_or_is_awaited_is_not_replaced_against_the_will_of_the_client(
    uploading: UploadServer, pdf: bytes
) -> None:
    uploading.hold_jobs()
    first = put(uploading, "new.pdf", pdf, If_None_Match="*")
    assert first.status_code == 202
    assert problem(put(uploading, "new.pdf", pdf, If_None_Match="*")) == (412, "precondition_failed")
    assert put(uploading, "new.pdf", pdf).status_code == 202
    uploading.let_jobs_go()
    uploading.over(first.json()["id"])
    assert problem(put(uploading, "new.pdf", pdf, If_None_Match="*")) == (412, "precondition_failed")


def test_nothing_of_a_body_is_asked_for_that_is_refused(uploading: UploadServer, pdf: bytes) -> None:
    head = f"PUT {uploading.files()}/e.pdf HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: "
    assert exchange(uploading, f"{head}{TOO_LARGE}").startswith(b"HTTP/1.1 413")
    assert exchange(uploading, f"{head}{len(pdf)}").startswith(b"HTTP/1.1 100")
    uploading.hold_jobs()
    jobs = [put(uploading, f"full{number}.pdf", pdf).json()["id"] for number in range(4)]
    answer = exchange(uploading, f"{head}{len(pdf)}")
    assert answer.startswith(b"HTTP/1.1 429")
    assert b"retry-after: " in answer.lower()
    uploading.let_jobs_go()
    for job in jobs:
        uploading.over(job)


def test_a_client_that_leaves_in_the_middle_leaves_no_trace(uploading: UploadServer, pdf: bytes) -> None:
    head = f"PUT {uploading.files()}/gone.pdf HTTP/1.1\r\nContent-Length: {len(pdf)}"
    exchange(uploading, head, pdf[:-1], shut=True)
    form = "multipart/form-data; boundary=x"
    exchange(
        uploading,
        f"POST {uploading.files()} HTTP/1.1\r\nContent-Type: {form}\r\nContent-Length: 99999",
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="gone.pdf"\r\n\r\n' + pdf,
        shut=True,
    )
    # The places in the queue are given back when the request is over.
    while uploading.state.uploads._reserved:
        uploading.client.get("/healthz")
    assert uploading.left_over() == []
    listed = uploading.client.get("/api/v1/jobs").json()["data"]
    assert not any(file["name"] == "gone.pdf" for job in listed for file in job["files"])


class TestForms:
    def post(
        self, server: UploadServer, key: str | None, metadata: str, *files: tuple[str, bytes]
    ) -> httpx.Response:
        return server.client.post(
            server.files("forms"),
            files=[("file", (name, content, "application/pdf")) for name, content in files],
            data={"metadata": metadata},
            headers={"Idempotency-Key": key} if key else {},
        )

    def test_files_come_with_their_metadata(self, uploading: UploadServer, pdf: bytes) -> None:
        response = self.post(uploading, None, '{"year": 2024}', ("一.pdf", pdf), ("b.pdf", pdf))
        assert response.status_code == 202
        job = uploading.over(response.json()["id"])
        assert [(file["name"], file["status"]) for file in job["files"]] == [  # type: ignore[attr-defined]
            ("一.pdf", "added"),
            ("b.pdf", "duplicate"),
        ]
        assert (
            self.post(uploading, None, '{"year": 2024}', ("一.pdf", pdf), ("b.pdf", pdf)).status_code == 200
        )
        assert self.post(uploading, None, '{"year": 2025}', ("一.pdf", pdf)).status_code == 202

    def test_a_request_that_comes_twice_is_answered_alike_and_done_once(
        self, uploading: UploadServer, pdf: bytes
    ) -> None:
        first = self.post(uploading, "key-1", "{}", ("k.pdf", pdf))
        second = self.post(uploading, "key-1", "{}", ("k.pdf", pdf))
        assert (first.status_code, first.json()) == (second.status_code, second.json())
        assert first.headers["Location"] == second.headers["Location"]
        uploading.over(first.json()["id"])
        assert self.post(uploading, "key-1", "{}", ("k.pdf", pdf)).json() == first.json()
        other = self.post(uploading, "key-1", '{"year": 1}', ("k.pdf", pdf))
        assert problem(other) == (409, "idempotency_mismatch")
        unchanged = self.post(uploading, "key-2", "{}", ("k.pdf", pdf))
        assert unchanged.status_code == 200
        assert self.post(uploading, "key-2", "{}", ("k.pdf", pdf)).json() == unchanged.json()

    def test_wrong_forms_are_refused_whole(self, uploading: UploadServer, pdf: bytes) -> None:
        before = uploading.client.get("/api/v1/jobs").json()
        assert problem(self.post(uploading, None, "[]", ("a.pdf", pdf))) == (422, "invalid_request")
        assert problem(self.post(uploading, None, "{}", ("a.pdf", pdf), ("b.exe", b"b"))) == (
            415,
            "unsupported_type",
        )
        assert problem(uploading.client.post(uploading.files(), json={})) == (415, "unsupported_type")
        many = [(f"{number}.pdf", pdf) for number in range(5)]
        assert problem(self.post(uploading, None, "{}", *many)) == (429, "queue_full")
        assert uploading.state.uploads._reserved == 0
        assert uploading.left_over() == []
        assert uploading.client.get("/api/v1/jobs").json() == before


def test_a_collection_whose_name_cannot_be_one_is_refused(uploading: UploadServer, pdf: bytes) -> None:
    response = uploading.client.put(f"{uploading.files('%0A')}/a.pdf", content=pdf)
    assert problem(response) == (422, "invalid_request")
    assert uploading.left_over() == []


def test_no_body_tells_where_files_are(uploading: UploadServer) -> None:
    told = json.dumps(uploading.client.get("/api/v1/jobs").json())
    assert str(uploading.storage) not in told
    assert "upload:/" not in told
