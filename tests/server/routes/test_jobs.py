"""Jobs over HTTP: their list, their events from any point on, and their end before their time."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from served import served
from upload_server import UploadServer

from qa_engine.server.jobs.records import FileTask


def events(server: UploadServer, job_id: str, last: str | None = None) -> list[tuple[int, str]]:
    """Number and kind of the events of a job, up to its end."""
    headers = {"Last-Event-ID": last} if last is not None else {}
    with server.client.stream("GET", f"/api/v1/jobs/{job_id}/events", headers=headers) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = list(stream.iter_lines())
    numbers = [int(line.removeprefix("id: ")) for line in lines if line.startswith("id: ")]
    kinds = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    return list(zip(numbers, kinds, strict=True))


def upload(server: UploadServer, name: str, pdf: bytes, collection: str = "default") -> str:
    response = server.client.put(f"{server.files(collection)}/{name}", content=pdf)
    assert response.status_code == 202, response.text
    job_id: str = response.json()["id"]
    return job_id


def test_events_are_told_while_they_happen_and_again_from_the_log(
    uploading: UploadServer, pdf: bytes
) -> None:
    job_id = upload(uploading, "a.pdf", pdf)
    live = events(uploading, job_id)
    kinds = [kind for _, kind in live]
    assert kinds[0] == "job"
    assert kinds[-2:] == ["job", "done"]
    assert {"file", "pages"} <= set(kinds)
    numbers = [number for number, _ in live]
    assert numbers == sorted(set(numbers))
    logged = events(uploading, job_id)
    assert set(logged) <= set(live)
    assert events(uploading, job_id, str(logged[1][0])) == logged[2:]
    assert events(uploading, job_id, str(logged[-1][0])) == []


def test_a_job_that_waits_is_cancelled_and_cannot_be_cancelled_again(
    uploading: UploadServer, pdf: bytes
) -> None:
    uploading.hold_jobs()
    job_id = upload(uploading, "b.pdf", pdf)
    cancelled = uploading.client.delete(f"/api/v1/jobs/{job_id}")
    uploading.let_jobs_go()
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    again = uploading.client.delete(f"/api/v1/jobs/{job_id}")
    assert (again.status_code, again.json()["code"]) == (409, "job_finished")
    assert events(uploading, job_id)[-1][1] == "done"


def test_jobs_are_listed_from_the_newest_on_in_parts(uploading: UploadServer, pdf: bytes) -> None:
    made = [upload(uploading, f"list{number}.pdf", pdf) for number in range(3)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        parameters = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = uploading.client.get("/api/v1/jobs", params=parameters).json()
        seen += [job["id"] for job in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen[:3] == made[::-1]
    assert len(seen) == len(set(seen))
    for job_id in made:
        uploading.over(job_id)


@pytest.mark.parametrize("path", ["", "/events"])
def test_unknown_jobs_are_not_found(path: str, uploading: UploadServer) -> None:
    response = uploading.client.get(f"/api/v1/jobs/0{path}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


class TestFiles:
    def listed(self, server: UploadServer, name: str) -> str:
        jobs = server.client.get("/api/v1/jobs").json()["data"]
        file_id: str = next(file["file_id"] for job in jobs for file in job["files"] if file["name"] == name)
        return f"{server.files()}/{file_id}"

    def test_a_file_is_deleted_and_its_bytes_with_it(self, uploading: UploadServer, pdf: bytes) -> None:
        content = pdf + b"\n% another content\n"
        uploading.over(upload(uploading, "doomed.pdf", content))
        stored = set((uploading.storage / "uploads").iterdir())
        address = self.listed(uploading, "doomed.pdf")
        deleted = uploading.client.delete(address)
        assert (deleted.status_code, deleted.json()["report"]["deleted"]) == (200, 1)
        assert uploading.client.delete(address).status_code == 404
        with uploading.state.jobs.turn("default", 60):  # what follows a job is done before the next turn
            uploading.state.jobs.remove_unused_uploads()
        assert len(stored - set((uploading.storage / "uploads").iterdir())) == 1

    def test_a_deletion_that_has_to_wait_is_acknowledged(
        self, uploading: UploadServer, pdf: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        uploading.over(upload(uploading, "late.pdf", pdf))
        address = self.listed(uploading, "late.pdf")
        monkeypatch.setattr(uploading.state.config.server, "write_wait_seconds", 0)
        uploading.hold_jobs()
        deleted = uploading.client.delete(address)
        patched = uploading.client.patch(address, json={"metadata": {"year": 1}})
        uploading.let_jobs_go()
        assert deleted.status_code == 202
        assert patched.status_code == 503
        assert (patched.json()["code"], "Retry-After" in patched.headers) == ("storage_busy", True)
        assert deleted.headers["Location"] == f"/api/v1/jobs/{deleted.json()['id']}"
        assert uploading.over(deleted.json()["id"])["state"] == "succeeded"

    def test_metadata_are_changed_key_by_key(self, uploading: UploadServer, pdf: bytes) -> None:
        uploading.over(upload(uploading, "noted.pdf", pdf))
        address = self.listed(uploading, "noted.pdf")

        def patch(metadata: object) -> httpx.Response:
            return uploading.client.patch(address, json={"metadata": metadata})

        assert patch({"year": 2024, "final": True, "城市": "杭州"}).json()["metadata"] == {
            "year": 2024,
            "final": True,
            "城市": "杭州",
        }
        assert patch({"year": None}).json()["metadata"] == {"final": True, "城市": "杭州"}
        for wrong in ({"page": 1}, {"a=b": 1}, {"x": [1]}, [1]):
            refused = patch(wrong)
            assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
        assert uploading.client.patch(f"{uploading.files()}/0", json={"metadata": {}}).status_code == 404


class TestCollections:
    def test_a_collection_is_made_listed_and_removed_with_its_uploads(
        self, uploading: UploadServer, pdf: bytes
    ) -> None:
        made = uploading.client.post("/api/v1/collections", json={"name": "合同"})
        assert (made.status_code, made.json()["files"]) == (201, 0)
        again = uploading.client.post("/api/v1/collections", json={"name": "合同"})
        assert (again.status_code, again.json()["code"]) == (409, "already_exists")
        content = pdf + b"\n% only here\n"
        uploading.over(upload(uploading, "a.pdf", content, "合同"))
        listed = uploading.client.get("/api/v1/collections").json()["data"]
        assert {"collection": "合同", "files": 1, "pages": 1, "nodes": 1}.items() <= next(
            one for one in listed if one["collection"] == "合同"
        ).items()
        with uploading.state.engines.engine(["合同"]) as engine:
            assert engine.retrieve("Jupiter", top_k=1)
        before = set((uploading.storage / "uploads").iterdir())
        assert uploading.client.delete("/api/v1/collections/合同").status_code == 204
        assert uploading.client.get("/api/v1/collections/合同").status_code == 404
        assert len(before - set((uploading.storage / "uploads").iterdir())) == 1
        assert list((uploading.storage / ".removed").iterdir()) == []
        uploading.over(upload(uploading, "a.pdf", pdf, "合同"))
        with uploading.state.engines.engine(["合同"]) as engine:
            assert engine.retrieve("Jupiter", top_k=1)

    @pytest.mark.parametrize("name", ["", " ", "a\nb", "a/b", "x" * 201])
    def test_names_that_cannot_be_used_are_refused(self, name: str, uploading: UploadServer) -> None:
        response = uploading.client.post("/api/v1/collections", json={"name": name})
        assert (response.status_code, response.json()["code"]) == (422, "invalid_request")

    def test_a_collection_that_another_process_writes_to_stays(
        self, uploading: UploadServer, pdf: bytes
    ) -> None:
        from qa_engine.index.collection import collection_paths
        from qa_engine.index.disk.writer_lock import writer_lock

        uploading.over(upload(uploading, "a.pdf", pdf, "busy"))
        with writer_lock(collection_paths(uploading.storage, "busy").root):
            response = uploading.client.delete("/api/v1/collections/busy")
        assert (response.status_code, response.json()["code"]) == (503, "storage_busy")
        assert str(uploading.storage) not in response.text
        assert uploading.client.get("/api/v1/collections/busy").json()["files"] == 1
        assert uploading.client.delete("/api/v1/collections/none").status_code == 404


def test_a_server_that_changes_nothing_does_no_jobs(tmp_path: Path, local_model: Path, pdf: bytes) -> None:
    with served(tmp_path, no_auth=True, server={"read_only": True}) as app:
        state = app.app.state.server
        job = state.jobs.add("ingest", "default", [FileTask("upload:/a.pdf", "a.pdf", "0" * 64)])
        refused = app.client.put("/api/v1/collections/default/files/a.pdf", content=pdf)
        assert (refused.status_code, refused.json()["code"]) == (403, "read_only")
        assert app.client.get(f"/api/v1/jobs/{job.id}").json()["state"] == "queued"
        assert not state.jobs._thread.is_alive()
