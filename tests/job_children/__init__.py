"""Processes of jobs that misbehave, or that wait for a test: modules of `qa_engine.server.jobs.process.ChildProcess`."""

PLAIN, CRASHING, DEAD, WAITING = (f"job_children.{name}" for name in ("plain", "crashing", "dead", "waiting"))
