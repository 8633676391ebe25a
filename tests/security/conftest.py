"""One store of secrets and one guarded Redis for all tests of this folder; runs in it have names of their own."""

import itertools
from collections.abc import Iterator

import pytest

from copa.security.store import SecretStore
from tests.coach.conftest import loop, socket  # noqa: F401 - fixtures
from tests.security.parts import GuardedRedis, guarded_redis, make_store

_runs = itertools.count()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> SecretStore:
    return make_store(tmp_path_factory.mktemp("secrets"))


@pytest.fixture(scope="session")
def guarded(store: SecretStore) -> Iterator[GuardedRedis]:
    with guarded_redis(store, tls=False) as found:
        yield found


@pytest.fixture
def run_name() -> str:
    return f"secure-{next(_runs)}"
