"""``qa-engine config``."""

from __future__ import annotations

from qa_engine.cli.options import ConfigOption, JsonOption, load_config
from qa_engine.cli.output import print_json, results


def config(json: JsonOption = False, config: ConfigOption = None) -> None:
    """Print the settings in force, with secrets masked."""
    settings = load_config(config).model_dump(mode="json")
    if json:
        print_json(settings)
        return
    console = results()
    for name, section in settings.items():
        if not isinstance(section, dict):
            console.print_line(f"{name} = {section!r}")
    for name, section in settings.items():
        if isinstance(section, dict):
            console.print(f"\n[{name}]", style="bold")
            for key, value in section.items():
                console.print_line(f"{key} = {value!r}")
