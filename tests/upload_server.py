"""A server that files are uploaded to, and what tests do with it."""

from __future__ import annotations

from pathlib import Path

from served import ServedApp


class UploadServer:
    """A server over a storage that begins empty."""

    def __init__(self, app: ServedApp, storage: Path) -> None:
        self.app = app
        self.client = app.client
        self.storage = storage
        self.state = app.app.state.server

    def files(self, collection: str = "default") -> str:
        return f"/api/v1/collections/{collection}/files"

    def over(self, job_id: str) -> dict[str, object]:
        """A job when it is over."""
        with self.client.stream("GET", f"/api/v1/jobs/{job_id}/events") as stream:
            for _ in stream.iter_lines():
                pass
        job: dict[str, object] = self.client.get(f"/api/v1/jobs/{job_id}").json()
        assert job["report"] is not None
        return job

    def finish_jobs(self) -> None:
        """Waits until nothing is left to do."""
        for job in self.state.jobs.store.latest(1000):
            if not job.is_over:
                self.over(job.id)

    def left_over(self) -> list[Path]:
        """What is being received."""
        return [path for path in (self.storage / "uploads" / ".incoming").rglob("*") if path.is_file()]

    def hold_jobs(self) -> None:
        """Keeps new jobs of the collection ``default`` waiting."""
        self.state.jobs._writers.add("default")

    def let_jobs_go(self) -> None:
        self.state.jobs._writers.discard("default")
        self.state.jobs.wake()
