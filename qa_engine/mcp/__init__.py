"""The documents as tools of the Model Context Protocol (MCP), for programs with a language model of their own.

Needs the extra ``mcp``. `qa_engine.mcp.serving` speaks the protocol over a `qa_engine.mcp.library.Library`, which is a
storage in this process (`qa_engine.mcp.local`) or the HTTP server.
"""

from __future__ import annotations

from qa_engine.extras import require_extra


def require_packages() -> None:
    """Checks that the package of the extra ``mcp`` is installed, before any work is done.

    Raises:
        ModelUnavailableError: it is not; the message names the command that installs it.
    """
    require_extra("mcp", "The Model Context Protocol", ("mcp", "mcp_types"))
