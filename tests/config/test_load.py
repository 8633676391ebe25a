"""Layers, refusals and the way back into a file."""

from pathlib import Path

import pytest

from copa.config.change import with_shards_again, without_secrets
from copa.config.load import load_config, parse_role_arguments, resolve, split_flags, to_toml
from copa.config.presets import PRESETS, preset_named
from copa.config.schema import Config
from copa.config.settings import SETTINGS
from copa.errors import ConfigError, UnavailableError


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_paper_is_the_schema() -> None:
    assert resolve(preset="paper").config == Config()


def test_quick_is_the_default_preset() -> None:
    assert resolve().preset == "quick"
    assert resolve().config.nets.width == 64


def test_layers_win_in_order(tmp_path: Path) -> None:
    file = write(tmp_path / "run.toml", "preset = 'smoke'\n[replay]\ncapacity = 5000\nminimum = 300\ntolerance = 5.0\n")
    environment = {"COPA_REPLAY_MINIMUM": "400", "COPA_REPLAY_TOLERANCE": "6"}
    config = load_config(preset=None, file=file, flags={"replay.tolerance": "7"}, environment=environment)
    assert config.nets.width == 16
    assert config.replay.capacity == 5000
    assert config.replay.minimum == 400
    assert config.replay.tolerance == 7.0


def test_who_names_the_preset(tmp_path: Path) -> None:
    file = write(tmp_path / "run.toml", "preset = 'smoke'\n")
    assert resolve(file=file).preset == "smoke"
    assert resolve(file=file, environment={"COPA_PRESET": "paper"}).preset == "paper"
    assert resolve(preset="quick", file=file, environment={"COPA_PRESET": "paper"}).preset == "quick"
    assert resolve(environment={"COPA_CONFIG": str(file)}).preset == "smoke"


def test_origins() -> None:
    found = resolve(preset="smoke", environment={"COPA_RUN_SEED": "3"}, flags={"run.steps": "9"})
    assert found.origins["run.seed"] == "environment variable COPA_RUN_SEED"
    assert found.origins["run.steps"] == "flag --run.steps"
    assert found.origins["nets.width"] == "preset smoke"
    assert "replay.prefetch" not in found.origins


@pytest.mark.parametrize("preset", PRESETS)
def test_file_round_trip(preset: str, tmp_path: Path) -> None:
    flags = {
        "task.options.varying": "grow",
        "task.options.count": "3",
        "evaluator.teams": "train,5",
        "run.folder": str(tmp_path / "a folder"),
        "learning.target_rate": "none",
        "nets.logvar_start": "none",
        "redis.url": "unix:///tmp/x.sock",
        "redis.shards": "unix:///tmp/y.sock,unix:///tmp/z.sock",
    }
    config = resolve(preset=preset, flags=flags).config
    file = write(tmp_path / "config.toml", to_toml(config, preset=preset))
    assert resolve(file=file).config == config
    assert config.task.options == preset_named(preset).settings.get("task.options", {}) | {
        "varying": "grow",
        "count": 3,
    }
    assert config.learning.target_rate is None


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.path)
def test_every_setting_says_what_it_is(setting: object) -> None:
    found = SETTINGS[setting.path]  # type: ignore[attr-defined]
    assert found.doc.endswith(".")
    assert found.allowed
    assert found.from_value(None if found.default is None else _plain(found.default)) == found.default


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def test_redis_url_of_the_environment() -> None:
    assert resolve(environment={"REDIS_URL": "redis://a:1"}).config.redis.url == "redis://a:1"
    both = {"REDIS_URL": "redis://a:1", "COPA_REDIS_URL": "redis://b:2"}
    assert resolve(environment=both).config.redis.url == "redis://b:2"
    assert resolve(environment={"REDIS_URL": ""}).config.redis.url is None


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"replay.capacty": "5"}, ["--replay.capacty", "'replay.capacity'"]),
        ({"repaly.capacity": "5"}, ["--repaly.capacity", "'replay.capacity'"]),
        ({"replay.nonsense": "5"}, ["replay.nonsense", "prefetch"]),
        ({"replay.capacity": "five"}, ["replay.capacity", "'five'", "flag --replay.capacity", "whole number"]),
        ({"replay.capacity": "-5"}, ["replay.capacity", "'-5'", "at least 1"]),
        ({"learning.lr": "nan"}, ["learning.lr", "'nan'", "above 0"]),
        ({"learning.gamma": "1.5"}, ["learning.gamma", "at most 1"]),
        ({"nets.mixer": "mean"}, ["nets.mixer", "published, scaled, sum"]),
        ({"method.name": "cpoa"}, ["method.name", "'copa'"]),
        ({"learner.device": "gpu"}, ["learner.device", "cuda:N"]),
        ({"coach.address": "nowhere"}, ["coach.address", "host:port"]),
        ({"redis.url": "http://a"}, ["redis.url", "redis://"]),
        ({"redis.shards": "redis://a,b:1"}, ["redis.shards", "'b:1'", "redis://"]),
        ({"redis.shards": "redis://a,redis://b,redis://a"}, ["redis.shards", "'redis://a'", "twice"]),
        ({"redis.url": "redis://a", "redis.shards": "redis://a,redis://b"}, ["'redis://a'", "redis.url too"]),
        (
            {"redis.shards": "redis://a,redis://b,redis://c"},
            ["replay.capacity", "50000", "3 servers", "49998 or 50001"],
        ),
        (
            {"redis.shards": "redis://a,redis://b", "replay.minimum": "25001"},
            ["replay.minimum", "25000 segments on each of the 2", "at least 50002"],
        ),
        ({"redis.shards": "redis://a", "redis.ca_file": "ca.crt"}, ["redis.ca_file", "redis.shards", "rediss://"]),
        ({"run.name": "a b"}, ["run.name", "'a b'"]),
        ({"replay.minimum": "50001"}, ["replay.minimum", "50001", "replay.capacity", "50000"]),
        ({"learning.batch": "50001"}, ["learning.batch", "50001", "replay.capacity", "50000"]),
        ({"actor.games": "1"}, ["actor.games", "actor.groups", "2"]),
        ({"exploration.start": "0.01"}, ["exploration.start", "exploration.end"]),
        ({"learning.hold": "0.5"}, ["learning.hold is 0.5", "learning.periods"]),
    ],
)
def test_bad_flags_are_named(flags: dict[str, str], words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(flags=flags)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert "\n" not in str(caught.value)


def test_password_in_a_bad_url_is_not_shown() -> None:
    for variable, urls in (
        ("REDIS_URL", "http://user:secret@host"),
        ("COPA_REDIS_SHARDS", "redis://a,http://user:secret@host"),
        ("COPA_REDIS_SHARDS", "redis://user:secret@host,redis://user:secret@host"),
    ):
        with pytest.raises(ConfigError) as caught:
            resolve(environment={variable: urls})
        assert "secret" not in str(caught.value)


def test_shards_are_read_in_order() -> None:
    environment = {"COPA_REDIS_SHARDS": "redis://b:1, unix:///tmp/a.sock"}
    assert resolve(environment=environment).config.redis.shards == ("redis://b:1", "unix:///tmp/a.sock")


def test_a_comma_in_a_url_of_a_file_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "run.toml", "[redis]\nshards = ['redis://:a,b@host']\n")
    with pytest.raises(ConfigError, match="%2C"):
        resolve(file=file)


def test_passwords_of_shards_are_refused_as_flags_and_named_again_by_the_environment() -> None:
    urls = "redis://a:1,redis://:secret@b:1"
    for flags in (["--redis.shards", urls], [f"--redis.shards={urls}"]):
        with pytest.raises(ConfigError, match="set COPA_REDIS_SHARDS") as caught:
            split_flags(flags)
        assert "secret" not in str(caught.value)
    given = resolve(environment={"COPA_REDIS_SHARDS": urls}).config
    shown = without_secrets(given)
    assert shown.redis.shards == ("redis://a:1", "redis://b:1")
    assert with_shards_again(shown, {"COPA_REDIS_SHARDS": urls}) == given
    assert with_shards_again(shown, {}) == shown
    assert with_shards_again(Config(), {"COPA_REDIS_SHARDS": urls}) == Config()
    with pytest.raises(ConfigError, match="names 1 servers, and the run's segments are on 2"):
        with_shards_again(shown, {"COPA_REDIS_SHARDS": "redis://a:1"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[replay]\ncapacty = 5", ["run.toml", "replay.capacty", "replay.capacity"]),
        ("[repaly]\ncapacity = 5", ["run.toml", "repaly", "'replay'"]),
        ("[replay]\ncapacity = '5'", ["replay.capacity", "'5'", "run.toml", "whole number"]),
        ("[replay]\ncapacity = true", ["replay.capacity", "True"]),
        ("[replay]\ncapacity = 5.5", ["replay.capacity", "5.5"]),
        ("[learning]\nlr = nan", ["learning.lr", "nan"]),
        ("replay = 5", ["replay", "table"]),
        ("stesp = 5", ["stesp"]),
        ("preset = 'smke'", ["smke", "'smoke'"]),
        ("preset = 5", ["preset"]),
        ("[replay", ["run.toml", "TOML"]),
    ],
)
def test_bad_files_are_named(text: str, words: list[str], tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(file=write(tmp_path / "run.toml", text))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_missing_file() -> None:
    with pytest.raises(UnavailableError, match=r"/no/such/file\.toml"):
        resolve(file=Path("/no/such/file.toml"))


def test_unknown_variable_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(environment={"COPA_REPLAY_CAPACTY": "5"})
    assert "COPA_REPLAY_CAPACTY" in str(caught.value)
    assert "'COPA_REPLAY_CAPACITY'" in str(caught.value)


def test_reserved_variables_are_no_settings() -> None:
    assert resolve(environment={"COPA_PARENT": "1", "PATH": "/bin"}).config == resolve().config


def test_variables_of_task_options() -> None:
    found = resolve(environment={"COPA_TASK_OPTIONS_INVADER": "carried", "COPA_TASK_OPTIONS_STRICT": "true"})
    assert found.config.task.options == {"invader": "carried", "strict": True}


def test_flags_in_their_forms() -> None:
    words = ["--run.steps=5", "--replay.free_running", "--replay.max-bytes", "7", "--task.options.some-name", "x"]
    assert split_flags(words) == {
        "run.steps": "5",
        "replay.free_running": "true",
        "replay.max_bytes": "7",
        "task.options.some-name": "x",
    }


def test_negative_values() -> None:
    assert resolve(flags=split_flags(["--nets.logvar_start", "-4"])).config.nets.logvar_start == -4.0


@pytest.mark.parametrize("words", [["stray"], ["--steps", "5"], ["-x"]])
def test_words_that_are_no_flags(words: list[str]) -> None:
    with pytest.raises(ConfigError, match=words[0]):
        split_flags(words)


def test_role_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPA_RUN_SEED", "5")
    file = write(tmp_path / "run.toml", "preset = 'smoke'\n")
    arguments = ["--config", str(file), "--index=2", "--actor.count", "3", "--task.options.invader", "carried"]
    config, index = parse_role_arguments(arguments, role="actor")
    assert (index, config.run.seed, config.actor.count, config.nets.width) == (2, 5, 3, 16)
    assert config.task.options == {"invader": "carried"}


@pytest.mark.parametrize(
    ("arguments", "word"), [(["--index", "-1"], "--index"), (["--config"], "--config"), (["--indx", "1"], "'--index'")]
)
def test_bad_role_arguments(arguments: list[str], word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_role_arguments(arguments, role="actor")
    assert word in str(caught.value)
