"""What the settings of a search engine say, and what they cannot say."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from qa_engine.config import IndexConfig
from qa_engine.errors import ConfigurationError
from qa_engine.index.search_engine.connection.access import (
    authorization,
    node_addresses,
    trusted_certificates,
)
from qa_engine.index.search_engine.connection.client import search_engine

SECRET = "hush4711"


def config(**settings: Any) -> IndexConfig:
    return IndexConfig(**{"search_url": "http://127.0.0.1:9200", **settings})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"search_api_key": SECRET, "search_user": "me"}, "set the key alone"),
        ({"search_api_key": SECRET, "search_password": SECRET}, "set the key alone"),
        ({"search_user": "me"}, "index.search_user is set without index.search_password"),
        ({"search_password": SECRET}, "index.search_password is set without index.search_user"),
        ({"search_api_key": f"{SECRET}\n"}, "index.search_api_key holds characters"),
        ({"search_api_key": f"{SECRET}钥"}, "index.search_api_key holds characters"),
        ({"search_user": "me", "search_password": f"{SECRET}\r"}, "index.search_password holds control"),
        ({"search_user": "m:e", "search_password": SECRET}, "index.search_user = 'm:e' cannot be sent"),
        ({"search_url": "http://127.0.0.1:99999"}, "index.search_url = 'http://127.0.0.1:99999' has a port"),
        ({"search_url": "http://h,http://127.0.0.1:0"}, "index.search_url = 'http://127.0.0.1:0' has a port"),
        (
            {"search_url": "https://h", "search_ca_file": Path("none.pem")},
            "index.search_ca_file = 'none.pem'",
        ),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as error:
        search_engine(config(**settings))
    assert SECRET not in str(error.value)


def test_a_file_that_is_no_certificate(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("not a certificate")
    with pytest.raises(ConfigurationError, match="cannot be read as a certificate in PEM"):
        trusted_certificates(config(search_ca_file=file))


def test_who_asks() -> None:
    assert authorization(config()) == {}
    assert authorization(config(search_user="我", search_password="密:码")) == {
        "authorization": "Basic " + base64.b64encode("我:密:码".encode()).decode()
    }
    assert authorization(config(search_api_key="VnVhQ2ZH==")) == {"authorization": "ApiKey VnVhQ2ZH=="}
    assert authorization(config(search_api_key="id:key")) == {
        "authorization": "ApiKey " + base64.b64encode(b"id:key").decode()
    }


def test_addresses() -> None:
    urls = "http://a:9200, https://B/search/ ,http://[::1]:9201,http://a:9200/"
    assert [str(one) for one in node_addresses(config(search_url=urls))] == [
        "http://a:9200",
        "https://b:443/search",
        "http://[::1]:9201",
    ]
