"""Reads files: by processes of this machine, by a reader of the caller, or from documents in memory."""
