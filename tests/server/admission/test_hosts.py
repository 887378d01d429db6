"""Only known hosts are answered, however the header is written."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from served import ServedApp, served

from qa_engine.config.server import ServerConfig
from qa_engine.server.admission.hosts import HostRules, host_of, host_rules

_NAMES = st.from_regex(r"[a-z0-9_-]{1,8}(\.[a-z0-9_-]*[a-z_-]){0,3}", fullmatch=True).filter(
    lambda name: not name.isdigit()
)


def status_of(server: ServedApp, head: str) -> int:
    """The status of the response to a request whose head is written as it is."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"Connection: close\r\n\r\n")
        return int(b"".join(iter(lambda: connection.recv(65_536), b"")).split()[1])


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        "me@localhost",
        "localhost:x",
        "localhost:123456",
        "[::1",
        "[127.0.0.1]",
        "a b",
        "a/b",
        "例子.cn",
        ".",
    ],
)
def test_what_is_no_host_is_none(header: str) -> None:
    assert host_of(header) is None


@given(st.text())
def test_any_text_is_a_host_in_its_plain_form_or_none(header: str) -> None:
    host = host_of(header)
    assert host is None or (host == host.lower() and not set(host) & set("@/[] "))


@given(_NAMES.filter(lambda name: name != "localhost" and not name.endswith(".example.com")))
def test_a_name_that_was_not_given_is_refused_on_every_address(name: str) -> None:
    for bound in ("127.0.0.1", "0.0.0.0", "::"):
        assert not HostRules(bound, ["*.example.com"]).allow(name)


@given(_NAMES, st.sampled_from(["", ":80", ":"]), st.sampled_from(["", "."]))
def test_names_are_compared_without_case_port_and_final_dot(name: str, port: str, dot: str) -> None:
    host = host_of(f"{name.upper()}{dot}{port}")
    assert host == name
    assert HostRules("127.0.0.1", [name]).allow(host)


@given(_NAMES)
def test_a_star_stands_for_the_names_below_and_not_for_the_name_itself(name: str) -> None:
    rules = HostRules("127.0.0.1", ["*.example.com"])
    assert rules.allow(f"{name}.example.com")
    assert not rules.allow(f"{name}example.com")
    assert not rules.allow("example.com")


@given(st.ip_addresses())
def test_addresses_are_answered_by_a_server_on_all_addresses_and_by_their_own(address: object) -> None:
    text = str(address)
    host = host_of(f"[{text}]:8600" if ":" in text else f"{text}:8600")
    assert host is not None
    assert HostRules("0.0.0.0", []).allow(host)
    assert HostRules(text, []).allow(host)
    inner = ip_address(host)
    local = (getattr(inner, "ipv4_mapped", None) or inner).is_loopback
    assert HostRules("127.0.0.1", []).allow(host) == local


def test_the_host_of_the_public_address_is_answered() -> None:
    rules = host_rules(ServerConfig(public_url="https://QA.example.com/docs", allowed_hosts=["192.0.2.7"]))
    assert rules.allow("qa.example.com")
    assert rules.allow("192.0.2.7")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("allowed_hosts", ["*"]),
        ("allowed_hosts", ["https://qa.example.com"]),
        ("cors_origins", ["*"]),
        ("cors_origins", ["https://wiki.example.com/"]),
        ("cors_origins", ["wiki.example.com"]),
        ("trusted_proxies", ["proxy.example.com"]),
        ("public_url", "qa.example.com"),
        ("public_url", "https://qa.example.com/?a=b"),
    ],
)
def test_settings_that_are_no_hosts_origins_or_addresses_are_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        ServerConfig(**{name: value})  # type: ignore[arg-type]


def test_requests_with_a_foreign_host_are_refused_before_anything_else(tmp_path: Path) -> None:
    with served(tmp_path, server={"allowed_hosts": ["qa.test"]}) as server:
        foreign = server.client.get("/healthz", headers={"Host": "evil.example"})
        assert (foreign.status_code, foreign.json()["code"]) == (421, "host_not_allowed")
        assert server.client.get("/healthz", headers={"Host": "QA.test:9"}).status_code == 200
        assert status_of(server, "GET /healthz HTTP/1.1\n") == 400
        assert status_of(server, "GET /healthz HTTP/1.0\n") == 400
        assert status_of(server, "GET /healthz HTTP/1.1\nHost: localhost\nHost: qa.test\n") == 400
        assert status_of(server, "GET /healthz HTTP/1.1\nHost: a@localhost\n") == 400
        assert status_of(server, "GET http://evil.example/healthz HTTP/1.1\nHost: evil.example\n") == 421
