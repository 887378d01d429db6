"""Settings: where they come from, which source wins, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa_engine.config import Config
from qa_engine.errors import ConfigurationError

SECRET = "sk-never-show-this-0123456789"


def write(name: str, text: str) -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def refusal(**values: object) -> str:
    with pytest.raises(ConfigurationError) as raised:
        Config.load(**values)
    text = str(raised.value)
    assert "\n" not in text
    assert SECRET not in text
    return text


@pytest.mark.parametrize("make", [Config, Config.load, Config.of])
def test_defaults_need_no_file_no_key_and_no_service(make: Callable[[], Config]) -> None:
    config = make()
    assert config.storage == Path("storage")
    assert config.collection == "default"
    assert config.embedding.provider == "local"
    assert config.rerank.model == "local"
    assert config.llm.model is None
    assert config.llm.api_key is None


def test_each_source_wins_over_those_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def model() -> str | None:
        return Config.load().embedding.base_url

    monkeypatch.setenv("OPENAI_BASE_URL", "http://openai/v1")
    assert model() == "http://openai/v1"
    write("qa_engine.toml", '[embedding]\nbase_url = "http://toml/v1"')
    assert model() == "http://toml/v1"
    write(".env", "QA_ENGINE_EMBEDDING__BASE_URL=http://dotenv/v1")
    assert model() == "http://dotenv/v1"
    monkeypatch.setenv("QA_ENGINE_EMBEDDING__BASE_URL", "http://environment/v1")
    assert model() == "http://environment/v1"
    assert (
        Config.load(embedding={"base_url": "http://argument/v1"}).embedding.base_url == "http://argument/v1"
    )


def test_sources_are_merged_key_by_key_within_a_section(monkeypatch: pytest.MonkeyPatch) -> None:
    write("qa_engine.toml", '[llm]\nmodel = "from-toml"\nmax_tokens = 100\ntemperature = 1.0')
    write(".env", "QA_ENGINE_LLM__MAX_TOKENS=200")
    monkeypatch.setenv("QA_ENGINE_LLM__TEMPERATURE", "0.5")
    llm = Config.load(llm={"max_retries": 7}).llm
    assert (llm.model, llm.max_tokens, llm.temperature, llm.max_retries) == ("from-toml", 200, 0.5, 7)


def test_variable_names_of_the_environment_are_matched_without_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_ENGINE_Llm__Model", "qwen")
    assert Config.load().llm.model == "qwen"


@pytest.mark.parametrize("place", ["environment", "dotenv"])
def test_openai_conventions_serve_both_models(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if place == "environment":
        monkeypatch.setenv("OPENAI_API_KEY", SECRET)
        monkeypatch.setenv("OPENAI_API_BASE", "http://old-name/v1")
    else:
        write(".env", f"OPENAI_API_KEY={SECRET}\nOPENAI_API_BASE=http://old-name/v1\nOTHER_PROGRAM=1\n")
    config = Config.load()
    for section in (config.llm, config.embedding):
        assert section.api_key is not None
        assert section.api_key.get_secret_value() == SECRET
        assert section.base_url == "http://old-name/v1"


def test_newer_openai_variable_wins_over_the_older_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_BASE", "http://old/v1")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://new/v1")
    assert Config.load().llm.base_url == "http://new/v1"


def test_named_file_replaces_the_default_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write("qa_engine.toml", 'collection = "default-file"')
    named = write("other.toml", 'collection = "named-file"')
    monkeypatch.setenv("QA_ENGINE_CONFIG", str(named))
    assert Config.load().collection == "named-file"


@pytest.mark.parametrize("as_text", [True, False])
def test_file_given_to_load_replaces_those_named_elsewhere(
    as_text: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("qa_engine.toml", 'collection = "default-file"')
    monkeypatch.setenv("QA_ENGINE_CONFIG", str(write("other.toml", 'collection = "named-file"')))
    path = write("mine.toml", 'collection = "given-file"\n[answering]\npassages = 9')
    monkeypatch.setenv("QA_ENGINE_ANSWERING__PASSAGES", "7")
    config = Config.load(str(path) if as_text else path)
    assert (config.collection, config.answering.passages) == ("given-file", 7)


@pytest.mark.parametrize(
    "make", [Config, lambda: Config.of(None), lambda: Config.of({}), lambda: Config.of("mine.toml")]
)
def test_a_program_gets_what_it_gives_and_no_file_of_the_working_directory(
    make: Callable[[], Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Config()
    write("mine.toml", "")
    write("qa_engine.toml", 'collection = "c"\nno = "setting"')
    write(".env", f"QA_ENGINE_COLLECTION=d\nOPENAI_API_KEY={SECRET}\nQA_ENGINE_NO=1")
    monkeypatch.setenv("QA_ENGINE_FOO", "x")
    monkeypatch.setenv("QA_ENGINE_CONFIG", "qa_engine.toml")
    assert make() == plain


def test_a_program_gets_variables_of_the_environment_below_what_it_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QA_ENGINE_COLLECTION", "e")
    monkeypatch.setenv("QA_ENGINE_LLM__MODEL", "qwen")
    config = Config.of({"collection": "given"})
    assert (config.collection, config.llm.model) == ("given", "qwen")


def test_a_program_has_the_key_and_the_address_for_openai_s_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://openai/v1")
    config = Config(llm={"model": "m"}, embedding={"base_url": "http://mine/v1", "api_key": "own"})
    assert (config.llm.model, config.llm.base_url) == ("m", "http://openai/v1")
    assert config.llm.api_key is not None
    assert config.llm.api_key.get_secret_value() == SECRET
    assert config.embedding.base_url == "http://mine/v1"
    assert config.embedding.api_key is not None
    assert config.embedding.api_key.get_secret_value() == "own"


@pytest.mark.parametrize("as_text", [True, False])
def test_of_takes_the_path_of_a_file(as_text: bool) -> None:
    path = write("mine.toml", "[answering]\npassages = 9")
    assert Config.of(str(path) if as_text else path).answering.passages == 9


def test_of_passes_a_config_through_and_takes_mappings_and_none() -> None:
    config = Config()
    assert Config.of(config) is config
    assert Config.of({"collection": "c"}).collection == "c"
    assert Config.of(None) == Config()


# -- unknown keys


def test_unknown_section_is_refused_and_the_known_ones_are_listed() -> None:
    text = refusal(retreival={"candidates": 3})
    assert "retreival is not a setting" in text
    assert "retrieval" in text


def test_unknown_key_of_a_section_is_refused_with_the_keys_of_that_section() -> None:
    text = refusal(llm={"modle": "gpt-4o"})
    assert "llm.modle is not a setting" in text
    assert "max_tokens" in text
    assert "window_chars" not in text


def test_unknown_key_in_the_file_is_refused() -> None:
    write("qa_engine.toml", "[answering]\npassagges = 3")
    assert "answering.passagges" in refusal()


def test_unknown_section_in_the_file_is_refused() -> None:
    write("qa_engine.toml", "[anwsering]\npassages = 3")
    assert "anwsering" in refusal()


@pytest.mark.parametrize("name", ["QA_ENGINE_LLM__MODLE", "QA_ENGINE_LLM__MODEL__NAME"])
def test_unknown_key_in_the_environment_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "x")
    assert "llm.mod" in refusal()


@pytest.mark.parametrize("name", ["QA_ENGINE_MODEL", "QA_ENGINE_LMM__MODEL", "QA_ENGINE_"])
def test_unknown_variable_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "x")
    assert name in refusal()


def test_unknown_section_in_dotenv_is_refused() -> None:
    write(".env", "QA_ENGINE_LMM__MODEL=x")
    assert "lmm" in refusal()


def test_unknown_key_in_dotenv_is_refused() -> None:
    write(".env", "QA_ENGINE_LLM__MODLE=x")
    assert "llm.modle" in refusal()


def test_cache_folder_is_no_setting_and_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_ENGINE_CACHE", "/somewhere")
    assert Config.load() == Config.load()


def test_cache_folder_in_dotenv_is_no_mistake_either() -> None:
    write(".env", "QA_ENGINE_CACHE=/somewhere\nQA_ENGINE_COLLECTION=c")
    assert Config.load().collection == "c"


# -- values out of range


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("retrieval", "dense_top_k", 0),
        ("retrieval", "dense_weight", 1.5),
        ("retrieval", "window_chars", -250),
        ("retrieval", "fusion", "voting"),
        ("bm25", "b", 2),
        ("bm25", "k1", -0.1),
        ("answering", "threshold", 1.01),
        ("answering", "passages", 51),
        ("llm", "temperature", 3),
        ("llm", "max_retries", "many"),
        ("embedding", "provider", "cohere"),
        ("embedding", "context_sentences", 6),
        ("documents", "timeout_seconds", 0),
        ("documents", "max_sentence_chars", 10),
        ("ingestion", "workers", 0),
        ("rerank", "weight", -1),
    ],
)
def test_value_out_of_range_is_named_with_its_setting(section: str, key: str, value: object) -> None:
    text = refusal(**{section: {key: value}})
    assert f"{section}.{key} = {value!r}" in text


def test_several_faults_are_all_named() -> None:
    text = refusal(bm25={"b": 2}, answering={"passages": 0})
    assert "bm25.b" in text
    assert "answering.passages" in text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_none_are_refused(value: float) -> None:
    assert "answering.threshold" in refusal(answering={"threshold": value})
    assert "documents.timeout_seconds" in refusal(documents={"timeout_seconds": value})


@given(value=st.integers(min_value=-(10**9), max_value=10**9))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_top_k_is_taken_if_and_only_if_it_is_within_its_bounds(value: int) -> None:
    if 1 <= value <= 1000:
        assert Config(retrieval={"dense_top_k": value}).retrieval.dense_top_k == value
    else:
        assert str(value) in refusal(retrieval={"dense_top_k": value})


def test_out_of_range_number_of_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_ENGINE_ANSWERING__PASSAGES", "zero")
    assert "answering.passages = 'zero'" in refusal()


@pytest.mark.parametrize("value", ["gpt-4o", "[1, 2]", '"text"', "{"])
def test_section_that_is_no_table_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_ENGINE_LLM", value)
    assert "llm" in refusal().lower()


def test_section_as_json_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_ENGINE_LLM", '{"model": "qwen"}')
    assert Config.load().llm.model == "qwen"


# -- secrets


def test_secrets_are_masked_wherever_a_config_is_shown() -> None:
    config = Config(llm={"api_key": SECRET}, embedding={"api_key": SECRET})
    shown = [
        str(config),
        repr(config),
        repr(config.llm),
        str(config.model_dump()),
        json.dumps(config.model_dump(mode="json")),
        config.model_dump_json(),
    ]
    assert not [text for text in shown if SECRET in text]
    assert config.llm.api_key is not None
    assert config.llm.api_key.get_secret_value() == SECRET


def test_addresses_are_masked_whatever_their_setting_is_called() -> None:
    config = Config(ingestion={"ray_address": f"ray://me:{SECRET}@head:10001"})
    assert SECRET not in repr(config) + config.model_dump_json()
    assert config.ingestion.ray_address == f"ray://me:{SECRET}@head:10001"


@pytest.mark.parametrize(
    "values",
    [
        {"llm": {"api_key": [SECRET]}},
        {"llm": {"api_key": {"value": SECRET}}},
        {"llm": {"api_kye": SECRET}},
        {"llm": SECRET},
        {"llm": [SECRET]},
        {"embedding": f"api_key={SECRET}"},
        {"llm": {"api_key": SECRET, "max_tokens": -1}},
    ],
)
def test_secrets_do_not_appear_in_refusals(values: dict[str, object]) -> None:
    refusal(**values)


def test_secret_of_a_broken_environment_section_does_not_appear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_ENGINE_LLM", f'{{"api_key": "{SECRET}", ')
    assert "QA_ENGINE_LLM" in refusal().upper()


# -- files


def test_broken_toml_is_refused_with_its_path_and_line() -> None:
    path = write("broken.toml", 'collection = "a"\n[llm\nmodel = 3')
    with pytest.raises(ConfigurationError, match=r"broken\.toml is not valid TOML.*line 2"):
        Config.of(path)


def test_broken_default_file_is_refused() -> None:
    write("qa_engine.toml", "collection = ")
    assert "qa_engine.toml is not valid TOML" in refusal()


def test_file_that_is_not_utf8_is_refused() -> None:
    Path("latin.toml").write_bytes('collection = "é"'.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"latin\.toml cannot be read"):
        Config.of("latin.toml")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gbk", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("name", ["qa_engine.toml", ".env"])
def test_file_has_a_byte_order_mark_or_is_refused_with_its_name_and_encoding(
    name: str, encoding: str
) -> None:
    text = 'collection = "合同"' if name.endswith("toml") else "QA_ENGINE_COLLECTION=合同"
    Path(name).write_bytes((text + "\n").encode(encoding))
    if encoding == "utf-8-sig":
        assert Config.load().collection == "合同"
    else:
        told = refusal()
        assert name in told
        assert ("GBK" if encoding == "gbk" else "UTF-16") in told


@pytest.mark.parametrize(
    "line",
    [
        r'storage = "D:\data"',
        r'storage = "C:\Users\me"',
        r"storage = D:\data",
        r'storage = "D:\new"',
        r'storage = "D:\tables"',
    ],
)
def test_backslashes_in_double_quotes_are_refused_and_the_way_out_works(line: str) -> None:
    write("qa_engine.toml", f'collection = "c"\n{line}')
    told = refusal()
    assert "in single quotes" in told
    assert "line 2" in told or "storage = " in told
    path = line.partition(" = ")[2].strip('"')
    for right in (f"'{path}'", '"' + path.replace("\\", "\\\\") + '"'):
        write("qa_engine.toml", f"storage = {right}")
        assert str(Config.load().storage) == path


def test_setting_with_nul_is_refused_and_a_prefix_may_have_lines() -> None:
    for values in ({"storage": "a\0b"}, {"storage": Path("a\0b")}, {"rerank": {"model": "a\0b"}}):
        assert "control character" in refusal(**values)
    assert Config(embedding={"query_prefix": "Instruct:\nQuery: "}).embedding.query_prefix.count("\n") == 1


def test_missing_file_is_refused_by_argument_and_by_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml does not exist"):
        Config.of("nowhere.toml")
    monkeypatch.setenv("QA_ENGINE_CONFIG", "nowhere.toml")
    assert "nowhere.toml does not exist" in refusal()


def test_folder_instead_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Config.of(tmp_path)


def test_every_number_can_be_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, expected in (("0", 0), ("2", 2), (" 4", 4)):
        monkeypatch.setenv("QA_ENGINE_EMBEDDING__TOKEN_BITS", value)
        assert Config.load().embedding.token_bits == expected
    monkeypatch.setenv("QA_ENGINE_EMBEDDING__TOKEN_BITS", "3")
    with pytest.raises(ConfigurationError, match=r"token_bits = .*3.* 0, 2 or 4"):
        Config.load()
