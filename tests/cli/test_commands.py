"""Commands, their output and their refusals; each is a real process or the command in this one."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from copa.cli.main import run
from copa.config.load import resolve
from copa.config.settings import SETTINGS
from copa.run_folder import RunFolder
from copa.supervisor.programs import finish_program
from copa.supervisor.resume import resumed_config


def fails(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, *words: str) -> None:
    """The command ends with `code` and one line that holds `words`, without a traceback."""
    assert run(arguments) == code
    said = capsys.readouterr().err
    assert said.startswith("error: "), said
    assert said.count("\n") == 1, said
    assert all(word in said for word in words), said


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    said = capsys.readouterr().out
    for name in ("train", "actor", "coach", "learner", "evaluator", "eval", "config", "tasks", "methods", "health"):
        assert f"  {name} " in said
    assert run([]) == 0


@pytest.mark.parametrize("arguments", [["--help"], ["health", "127.0.0.1:1"], ["version"], ["config", "show"]])
def test_light_commands_do_without_torch(arguments: list[str]) -> None:
    program = (
        "import sys; from copa.cli.main import run; "
        f"run({arguments!r}); sys.exit(sorted({{'torch', 'grpc'}} & set(sys.modules)) != [])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0


def test_config_show_json_is_table_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "show", "--preset", "paper", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["learning"]["lr"] == 3e-4
    assert shown["replay"]["capacity"] == 100_000
    assert shown["nets"]["width"] == 128


def test_config_show_is_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["config", "show", "--preset", "smoke", "--run.seed", "7"]) == 0
    file = tmp_path / "run.toml"
    file.write_text(capsys.readouterr().out)
    assert resolve(file=file).config == resolve(preset="smoke", flags={"run.seed": "7"}).config


def test_task_and_method_have_short_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "show", "--method", "refil", "--task", "resource_collection", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["method"]["name"] == "refil"
    assert shown["task"]["name"] == "resource_collection"


def test_config_show_origins(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPA_RUN_SEED", "7")
    assert run(["config", "show", "--origins"]) == 0
    assert "run.seed = 7  (environment variable COPA_RUN_SEED)" in capsys.readouterr().out


def test_config_show_says_what_a_preset_sets_for_the_task_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "show", "--task", "rescue", "--preset", "quick"]) == 0
    said = capsys.readouterr().out
    assert "preset quick has settings of its own for task rescue: run.steps\n" in said
    assert run(["config", "show", "--task", "starcraft/3-8sz", "--preset", "quick"]) == 0
    said = capsys.readouterr().out
    assert "for task starcraft/3-8sz: " in said
    assert "learning.double_q" in said
    assert run(["config", "show", "--preset", "quick"]) == 0
    assert "of its own" not in capsys.readouterr().out


def test_config_explain_explains_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "explain"]) == 0
    said = capsys.readouterr().out
    for setting in SETTINGS.values():
        assert setting.flag in said
        assert setting.variable in said
    assert run(["config", "explain", "replay", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows[0]["setting"] == "replay.capacity"


def test_tasks_and_methods(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tasks", "--json"]) == 0
    assert "resource_collection" in [task["name"] for task in json.loads(capsys.readouterr().out)["tasks"]]
    assert run(["methods", "--json"]) == 0
    assert {"copa", "copa-novi", "aqmix", "refil"} <= {
        method["name"] for method in json.loads(capsys.readouterr().out)["methods"]
    }
    assert run(["tasks"]) == 0
    assert run(["methods"]) == 0


@pytest.mark.parametrize("policy", ["random", "greedy"])
def test_eval_policy(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["eval", "--policy", policy, "--teams", "train,5,6,varying,grow", "--episodes", "4", "--seed", "3"]
    assert run([*arguments, "--json"]) == 0
    teams = json.loads(capsys.readouterr().out)["teams"]
    assert list(teams) == ["train", "5", "6", "varying", "grow"]
    for values in teams.values():
        assert values["episodes"] == 4
        assert {"mean", "stderr", "communication_rate"} <= set(values)
    assert run(arguments) == 0
    assert "varying" in capsys.readouterr().out


def test_eval_refusals(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    fails(capsys, ["eval"], 2, "--checkpoint", "--policy")
    fails(capsys, ["eval", "--policy", "greedy", "--task", "resource_colection"], 2, "resource_collection")
    fails(capsys, ["eval", "--policy", "greedy", "--teams", "7"], 2, "7")
    fails(capsys, ["eval", "--policy", "clever"], 2, "clever", "random")
    fails(capsys, ["eval", "--policy", "greedy", "--epsiodes", "3"], 2, "--epsiodes", "--episodes")
    fails(capsys, ["eval", "--checkpoint", str(tmp_path)], 3, str(tmp_path))
    (tmp_path / "x.safetensors").write_bytes(b"rubbish")
    fails(capsys, ["eval", "--checkpoint", str(tmp_path / "x.safetensors")], 3, "x.safetensors")


def test_refusals(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    fails(capsys, ["trian"], 2, "trian")
    fails(capsys, ["train", "--preset", "quik"], 2, "'quick'")
    fails(capsys, ["train", "--replay.capacty", "5"], 2, "'replay.capacity'")
    fails(capsys, ["train", "--task.name", "resource_colection"], 2, "resource_collection")
    fails(capsys, ["train", "--task", "resource_colection"], 2, "resource_collection")
    fails(capsys, ["train", "--method", "refl"], 2, "refil")
    fails(capsys, ["train", "--config", str(tmp_path / "no.toml")], 3, "no.toml")
    fails(capsys, ["train", "--resume", str(tmp_path)], 3, "not the folder of a run")
    fails(capsys, ["config", "explain", "replay.capacty"], 2, "'replay.capacity'")
    fails(capsys, ["report", str(tmp_path)], 3, "not the folder of a run")
    fails(capsys, ["health"], 3, "COPA_TELEMETRY_PORT")
    fails(capsys, ["health", str(tmp_path)], 3, "no process")
    assert list(tmp_path.iterdir()) == []


def test_train_refuses_a_foreign_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    fails(capsys, ["train", "--preset", "smoke", "--run-dir", str(tmp_path)], 2, "not empty")


def test_resume_keeps_what_makes_the_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = resolve(preset="smoke", flags={"run.folder": str(tmp_path / "run")}).config
    folder = RunFolder.create(config, preset="smoke")
    resume = ["train", "--resume", str(folder.path)]
    fails(capsys, [*resume, "--nets.width", "32"], 2, "nets.width", "run.steps")
    fails(capsys, [*resume, "--preset", "quick"], 2, "--preset")
    fails(capsys, [*resume, "--method", "refil"], 2, "--method")
    fails(capsys, [*resume, "--run.stesp", "3"], 2, "'run.steps'")
    folder.note_start(["copa", "train"])
    folder.note_end("finished")
    fails(capsys, resume, 2, "complete", "run.steps")
    with folder.held():
        fails(capsys, [*resume, "--run.steps", "20000"], 4, "running")


def test_a_run_that_goes_on_may_be_longer_and_keep_averages(tmp_path: Path) -> None:
    config = resolve(preset="smoke", flags={"run.folder": str(tmp_path / "run")}).config
    folder = RunFolder.create(config, preset="smoke")
    longer = resumed_config(folder, {"run.steps": "20000", "learning.averaging_rate": "0.5"}, {})
    assert (longer.run.steps, longer.learning.averaging_rate) == (20_000, 0.5)
    assert longer.learning.lr == config.learning.lr


def test_train_that_could_not_start_may_be_repeated(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:secret@127.0.0.1:1")
    arguments = ["train", "--preset", "smoke", "--plain", "--run-dir", str(tmp_path / "run"), "--redis.timeout", "0.2"]
    for _ in range(2):
        fails(capsys, arguments, 3, "127.0.0.1:1")
    kept = "".join(path.read_text() for path in (tmp_path / "run").rglob("*") if path.is_file())
    assert "127.0.0.1:1" in kept
    assert "secret" not in kept


def test_replay_needs_a_server(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--redis.url", "redis://127.0.0.1:1", "--redis.patience", "0.2"]
    fails(capsys, ["replay", "inspect", *flags], 3, "127.0.0.1:1")


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()
        self.wfile.write(b"said\n")

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def answering() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), _Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_health(
    answering: int, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert run(["health", f"127.0.0.1:{answering}"]) == 0
    assert run(["health", f"http://127.0.0.1:{answering}/healthz"]) == 0
    assert run(["health", f"127.0.0.1:{answering}", "--ready"]) == 1
    monkeypatch.setenv("COPA_TELEMETRY_PORT", str(answering))
    assert run(["health"]) == 0
    (tmp_path / "processes").mkdir()
    note = {"role": "actor", "index": 0, "pid": 1, "port": answering}
    (tmp_path / "processes" / "actor-0.json").write_text(json.dumps(note))
    assert run(["health", str(tmp_path)]) == 0
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()[1]
    (tmp_path / "processes" / "actor-1.json").write_text(json.dumps(note | {"index": 1, "port": closed}))
    capsys.readouterr()
    assert run(["health", str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines()[1].startswith("actor-1: no answer")


def test_unexpected_errors_say_what_to_do(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "copa.tasks", None)
    assert run(["tasks"]) == 70
    said = capsys.readouterr().err.strip().splitlines()
    assert said[-1].startswith("error: unexpected ")
    assert "report" in said[-1]


def test_role_commands_become_the_role(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "copa.cli", "coach", "--replay.capacty", "5"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "'replay.capacity'" in done.stderr
    assert "Traceback" not in done.stderr


def test_render(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "episode.html"
    assert run(["render", "--policy", "greedy", "--team", "5", "--seed", "3", "--output", str(file)]) == 0
    said = capsys.readouterr().out
    assert run(["eval", "--policy", "greedy", "--teams", "5", "--episodes", "1", "--seed", "3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["teams"]["5"]
    counts = {
        name: found[f"{name.replace(' ', '_')}_per_episode"] for name in ("picked up", "delivered", "caught", "invaded")
    }
    counted = ", ".join(f"{name} {count:g}" for name, count in counts.items())
    assert said == f"{file}: 145 steps, return {found['mean']:.2f}, {counted}\n"
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_render_refusals(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    fails(capsys, ["render"], 2, "--checkpoint", "--policy")
    fails(capsys, ["render", "--policy", "greedy", "--output", "film.avi"], 2, "film.avi", ".gif")
    fails(capsys, ["render", "--policy", "greedy", "--team", "7"], 2, "7")
    for beta in ("-1", "nan", "inf"):
        fails(capsys, ["render", "--policy", "greedy", "--beta", beta], 2, "--beta", beta)
    fails(capsys, ["render", "--policy", "greedy", "--episod", "7"], 2, "--episod", "--episode")
    fails(capsys, ["render", "--checkpoint", str(tmp_path)], 3, str(tmp_path))
    output = str(tmp_path / "no" / "episode.html")
    fails(capsys, ["render", "--policy", "greedy", "--output", output], 3, "--output", output)


@pytest.mark.parametrize("role", ["actor", "coach", "learner", "evaluator"])
def test_a_role_runs_where_folders_have_names_of_ours(role: str, tmp_path: Path) -> None:
    """As beside a clone, whose folder is `copa`."""
    for package in ("copa", "actor", "coach_service", "learner", "evaluator"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise SystemExit('another package')")
    program = f"import sys; from copa.cli.main import run; sys.exit(run([{role!r}, '--run.nothing', '1']))"
    command = [sys.executable, "-P", "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "there is no setting 'run.nothing'" in done.stderr


def test_a_run_starts_its_processes_with_no_regard_to_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "copa").mkdir()
    (tmp_path / "copa" / "__init__.py").write_text("raise SystemExit('another package')")
    program = finish_program(RunFolder(tmp_path / "nowhere"))
    done = subprocess.run(
        program.command, cwd=tmp_path, env=program.environment, capture_output=True, text=True, check=False
    )
    assert "nowhere" in done.stderr
    assert "another package" not in done.stderr
