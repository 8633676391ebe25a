"""Write the Python modules of `coach.proto`, or prove with `--check` that those in the tree match it.

Needs the tools of the extra `dev`: grpcio-tools and mypy-protobuf.
"""

import argparse
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
SOURCES = ("coach.proto",)


def generate(target: Path) -> list[Path]:
    """Write the modules of all `SOURCES` under `target`, at their place in the package; returns their paths."""
    from grpc_tools import protoc  # type: ignore[import-untyped]

    for plugin in ("protoc-gen-mypy", "protoc-gen-mypy_grpc"):
        if not (Path(sys.executable).parent / plugin).exists():
            raise SystemExit(f"protos.generate: {plugin} is missing; install the extra `dev`")
    scripts = Path(sys.executable).parent
    command = [
        "protoc",
        f"-I{FOLDER.parent}",
        f"-I{files('grpc_tools') / '_proto'}",
        f"--plugin=protoc-gen-mypy={scripts / 'protoc-gen-mypy'}",
        f"--plugin=protoc-gen-mypy_grpc={scripts / 'protoc-gen-mypy_grpc'}",
        f"--python_out={target}",
        f"--grpc_python_out={target}",
        f"--mypy_out=quiet:{target}",
        f"--mypy_grpc_out=quiet:{target}",
        *(str(FOLDER / source) for source in SOURCES),
    ]
    if protoc.main(command) != 0:
        raise SystemExit("protos.generate: protoc failed, see above")
    return sorted((target / FOLDER.name).glob("*_pb2*"))


def differences() -> list[str]:
    """Names of generated modules that do not match their source; empty when all do."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = {path.name: path.read_bytes() for path in generate(Path(folder))}
    present = {path.name: path.read_bytes() for path in FOLDER.glob("*_pb2*.py*")}
    return sorted(name for name in fresh.keys() | present.keys() if fresh.get(name) != present.get(name))


def main() -> int:
    """Command line; exit code 1 when `--check` finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a module is out of date")
    if not parser.parse_args().check:
        for path in generate(FOLDER.parent):
            print(path.name)
        return 0
    stale = differences()
    if stale:
        print(f"out of date: {', '.join(stale)}; run `python -m protos.generate`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
