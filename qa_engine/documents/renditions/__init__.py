"""Renditions: files that are no PDF as pages, so that sentences, places and marks are those of any PDF."""
