"""The routes of evaluations: test questions, feedback that becomes such, and runs."""
