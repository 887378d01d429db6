"""Where settings come from: a TOML file, ``.env``, the environment; and the messages when one of them is wrong."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource, SettingsError

from qa_engine.config.masking import is_address, masked_url
from qa_engine.errors import ConfigurationError

CONFIG_FILE = "qa_engine.toml"
ENV_PREFIX = "QA_ENGINE_"
_NOT_SETTINGS = {"config", "cache", "debug"}
"""Variables with our prefix that are read elsewhere, and from the environment only."""
BACKSLASHES = (
    "write a path with backslashes in single quotes, as in storage = 'D:\\data', or double each backslash"
)


class OpenAIVariables(EnvSettingsSource):
    """``OPENAI_API_KEY``, ``OPENAI_BASE_URL`` and ``OPENAI_API_BASE`` as settings of both models.

    Args:
        settings_cls: the tree of settings.
        dotenv: variables of a ``.env`` file, which the environment wins over.
    """

    def __init__(
        self, settings_cls: type[BaseSettings], dotenv: Mapping[str, str | None] | None = None
    ) -> None:
        super().__init__(settings_cls)
        self._values = {**{name.upper(): value for name, value in (dotenv or {}).items()}, **os.environ}

    def __call__(self) -> dict[str, Any]:
        shared: dict[str, Any] = {}
        if key := self._values.get("OPENAI_API_KEY"):
            shared["api_key"] = key
        if url := self._values.get("OPENAI_BASE_URL") or self._values.get("OPENAI_API_BASE"):
            shared["base_url"] = url
        return {"llm": dict(shared), "embedding": dict(shared)} if shared else {}


class _PrefixedDotEnv(DotEnvSettingsSource):
    """``.env`` files are shared with other programs: only our prefix is read from them."""

    def __call__(self) -> dict[str, Any]:
        self.env_vars = {
            name: value
            for name, value in self.env_vars.items()
            if name.startswith(ENV_PREFIX.lower()) and name[len(ENV_PREFIX) :] not in _NOT_SETTINGS
        }
        return super().__call__()


def implicit_values(settings_cls: type[BaseSettings], file: str | Path | None) -> dict[str, Any]:
    """The settings that the environment, ``.env`` and the TOML file name, in this order of precedence.

    Args:
        settings_cls: the tree of settings.
        file: the TOML file; None for the one that ``QA_ENGINE_CONFIG`` names, or else `CONFIG_FILE`, if it is there.

    Raises:
        ConfigurationError: a file cannot be read, or a variable with our prefix is no setting.
    """
    named_file = file or os.environ.get(f"{ENV_PREFIX}CONFIG")
    path = Path(named_file or CONFIG_FILE)
    dotenv = Path(str(settings_cls.model_config.get("env_file")))
    if dotenv.is_file():
        _read_text(dotenv)  # for its errors: the sources below read it again
    values = OpenAIVariables(settings_cls, DotEnvSettingsSource(settings_cls).env_vars)()
    if named_file or path.exists():
        values = merge(values, read_toml(path))
    values = merge(values, _PrefixedDotEnv(settings_cls)())
    values = merge(values, EnvSettingsSource(settings_cls)())
    _refuse_unknown_variables(settings_cls)
    return values


def merge(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Both mappings in one, key by key within sections; ``upper`` wins."""
    result = dict(lower)
    for key, value in upper.items():
        old = result.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        result[key] = merge(old, value) if both else value  # type: ignore[arg-type]
    return result


def read_toml(path: Path) -> dict[str, Any]:
    """The settings in a TOML file.

    Raises:
        ConfigurationError: the file is not there, cannot be read, or is not valid.
    """
    text = _read_text(path)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+)", str(error))
        line = text.splitlines()[int(place[1]) - 1 : int(place[1])] if place else []
        way_out = f": {BACKSLASHES}" if line and "\\" in line[0] else ""
        raise ConfigurationError(
            f"The configuration file {path} is not valid TOML: {error}{way_out}."
        ) from None


def _read_text(path: Path) -> str:
    """The text of a configuration file in UTF-8, with or without a byte order mark.

    Raises:
        ConfigurationError: it is not there, cannot be read, or has another encoding, which the message names.
    """
    try:
        content = path.read_bytes()
        if b"\0" not in content:
            return content.decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigurationError(f"The configuration file {path} does not exist.") from None
    except OSError as error:
        raise ConfigurationError(f"The configuration file {path} cannot be read: {error}.") from None
    except UnicodeDecodeError:
        pass
    raise ConfigurationError(
        f"The configuration file {path} cannot be read: it is not UTF-8 but {_encoding(content)}; save it as UTF-8."
    )


def _encoding(content: bytes) -> str:
    """The encoding that bytes seem to have, which are not UTF-8."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content:
        return "seems to be UTF-16"
    try:
        content.decode("gb18030")
    except UnicodeDecodeError:
        return "has an encoding that is not known"
    return "seems to be GBK"


@contextmanager
def explained_errors(settings_cls: type[BaseSettings]) -> Iterator[None]:
    """Turns the errors of pydantic within the block into a `ConfigurationError` of one sentence for each fault."""
    try:
        yield
    except ValidationError as error:
        raise ConfigurationError(_explain(error, settings_cls)) from None
    except SettingsError as error:
        # Its cause holds the value, which may hold a key.
        field = re.search(r'field "(\w+)"', str(error))
        name = f"{ENV_PREFIX}{field.group(1).upper()}" if field else "a variable"
        raise ConfigurationError(
            f"Configuration: {name} is neither JSON nor a single setting; set one value with a name such as "
            f"{ENV_PREFIX}LLM__MODEL."
        ) from None


def _refuse_unknown_variables(settings_cls: type[BaseSettings]) -> None:
    """A misspelt variable must not be ignored in silence; nested names are checked by the sections."""
    for name in os.environ:
        if not name.startswith(ENV_PREFIX):
            continue
        head = name[len(ENV_PREFIX) :].split("__")[0].lower()
        if head not in settings_cls.model_fields and head not in _NOT_SETTINGS:
            raise ConfigurationError(
                f"The environment variable {name} is not a setting. Sections: {', '.join(settings_cls.model_fields)}; "
                f"example: {ENV_PREFIX}LLM__MODEL."
            )


def _settings_beside(location: tuple[int | str, ...], settings_cls: type[BaseSettings]) -> list[str]:
    """The names of the settings in the section of a location."""
    model: type[BaseModel] = settings_cls
    for key in location[:-1]:
        annotation = model.model_fields[str(key)].annotation if str(key) in model.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return sorted(model.model_fields)


def _explain(error: ValidationError, settings_cls: type[BaseSettings]) -> str:
    """One sentence for each fault, with the offending value; keys and secrets are never repeated."""
    sentences = []
    for fault in error.errors():
        name = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            keys = ", ".join(_settings_beside(fault["loc"], settings_cls))
            sentences.append(f"{name} is not a setting; known here: {keys}")
        elif (
            "api_key" in name or "password" in name or name.endswith("token") or fault["type"] == "model_type"
        ):
            # What stands in the place of a whole section may hold a key, too.
            sentences.append(f"{name} is not valid: {fault['msg']}")
        else:
            given = fault["input"]
            value = repr(masked_url(given) if isinstance(given, str) and is_address(name, given) else given)
            sentences.append(f"{name} = {value} is not valid: {fault['msg']}")
    return "Configuration: " + "; ".join(sentences) + "."
