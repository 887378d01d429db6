"""The tools of `qa_engine.mcp` over HTTP, below ``/mcp``: with the keys, hosts, limits and collections of the server."""
