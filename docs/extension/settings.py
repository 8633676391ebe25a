"""The reference of settings, from the schema and the presets."""

import json
import re
from typing import Any

from copa.config.load import RESERVED
from copa.config.presets import DEFAULT, PRESETS
from copa.config.schema import Config
from copa.config.settings import SETTINGS, Setting
from docs.extension.markdown import anchor, code, one_line, slug, table


def reference() -> str:
    """Every setting, a section of the page for each section of the schema."""
    parts = [_presets()]
    for section, info in Config.model_fields.items():
        parts.append(f"## {section}")
        parts.append(one_line(str(getattr(info.annotation, "__doc__", ""))))
        parts.extend(_entry(setting) for setting in SETTINGS.values() if setting.section == section)
    parts += ["## Variables that are no settings", _reserved()]
    return "\n\n".join(parts)


def chosen(*paths: str) -> str:
    """A short table of some settings: what they mean, and their values in `paper` and `quick`."""
    rows = []
    for path in paths:
        setting = SETTINGS[path]
        link = f"[`{path}`](#{slug(path)})"
        rows.append([link, one_line(setting.doc), *(_value(_of_preset(name, setting)) for name in ("paper", "quick"))])
    return table(["setting", "meaning", "`paper`", "`quick`"], rows)


def _presets() -> str:
    rows = [[code(name) + (" (default)" if name == DEFAULT else ""), it.summary] for name, it in PRESETS.items()]
    return "## Presets\n\n" + table(["preset", "what for"], rows)


def _entry(setting: Setting) -> str:
    facts = [
        f"{code(setting.flag)} or {code(setting.variable)}",
        f"allowed: {re.sub('matching (.+)', _as_code, setting.allowed)}",
        f"default: {_value(setting.default)}",
    ]
    if presets := _by_preset(setting):
        facts.append(f"presets: {presets}")
    return "\n\n".join(
        [
            anchor(setting.path),
            f"### {setting.path}",
            one_line(setting.doc),
            "\n".join(f"- {fact}" for fact in facts),
        ]
    )


def _as_code(pattern: re.Match[str]) -> str:
    return f"matching {code(pattern[1])}"


def _by_preset(setting: Setting) -> str:
    """Values that presets set, and the tasks for which a preset has one of its own."""
    found = [
        f"{_value(preset.settings[setting.path])} in {code(name)}"
        for name, preset in PRESETS.items()
        if setting.path in preset.settings
    ]
    found += [
        f"{_value(values[setting.path])} in {code(name)} for task {code(task)}"
        for name, preset in PRESETS.items()
        for task, values in preset.tasks.items()
        if setting.path in values
    ]
    return ", ".join(found)


def _of_preset(name: str, setting: Setting) -> Any:
    return PRESETS[name].settings.get(setting.path, setting.default)


def _value(value: Any) -> str:
    if value is None:
        return "not set"
    return code(value if isinstance(value, str) else json.dumps(value, default=list))


def _reserved() -> str:
    meanings = {**RESERVED, "REDIS_URL": "The same as COPA_REDIS_URL, which wins."}
    return table(["variable", "meaning"], [[code(name), meaning] for name, meaning in meanings.items()])
