"""The commands that only evaluation needs: entry points of the group ``qa_engine.commands``."""
