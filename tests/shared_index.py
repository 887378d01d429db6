"""Collections in a search engine, with their vectors on a Chroma server, as tests make them."""

from __future__ import annotations

import secrets
from typing import Any

from chroma_process import ChromaProcess
from search_server import SearchCluster


def index_settings(search: SearchCluster, chroma: ChromaProcess, **more: Any) -> dict[str, Any]:
    """The section ``index`` of a configuration whose indices no other test has."""
    own = {"search_prefix": f"t{secrets.token_hex(4)}", "search_replicas": 0}
    return {"search_url": search.url, "url": chroma.url, **own, **more}


def variables(index: dict[str, Any]) -> dict[str, str]:
    """The same section as variables of the environment."""
    return {f"QA_ENGINE_INDEX__{name.upper()}": str(value) for name, value in index.items()}
