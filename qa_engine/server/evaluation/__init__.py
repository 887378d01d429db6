"""Test questions and evaluations, for the page and for programs."""
