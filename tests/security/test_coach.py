"""Trying to get into the coach service: without a token, with a wrong one, under a false name; and getting in."""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from coach_service.server import CoachServer
from copa.coaching import CoachClient
from copa.coaching.tensors import view_message
from copa.coaching.transport import call_metadata, open_channel
from copa.config.schema import Config
from copa.errors import ConfigError, UnavailableError
from copa.security.certificates import Authority, Holder
from copa.security.store import SecretStore
from protos import coach_pb2, coach_pb2_grpc
from tests.coach.parts import FIRST, SPEC, Games, Loop, make_config, make_request, nobody, wait_until
from tests.security.parts import issue

PATIENCE = 20.0
TRANSPORTS = ("plain", "tls", "mutual")


def guarded_config(store: SecretStore, role: str, transport: str, address: str = "127.0.0.1:0", **coach: Any) -> Config:
    """How `role` listens or calls, with a certificate where `transport` takes one, and a token."""
    files = store.folder / role
    own: dict[str, Any] = {"transport": transport, "token_file": files / "token"}
    if transport != "plain":
        own["ca_file"] = files / "ca.crt"
    if transport == "mutual" or (transport == "tls" and role == "coach"):
        own |= {"certificate_file": files / "tls.crt", "key_file": files / "tls.key"}
    return make_config(address, **(own | coach))


@contextmanager
def serving(loop: Loop, config: Config) -> Iterator[str]:
    with loop.serving(config, FIRST) as (server, address):
        wait_until(lambda: server.version == 1)
        yield address


def answers(address: str, config: Config) -> bool:
    """Whether the actor's own client gets strategies in time."""
    games = Games(2)
    with CoachClient(address, config, sample=False) as client:
        client.ask(0, 0, games.view, games.everyone)
        return client.collect(0, PATIENCE) is not None


def shut_out(address: str, config: Config) -> str:
    """Why no connection comes about: what gRPC says of it."""
    with open_channel(address, config.coach) as channel, pytest.raises(grpc.RpcError) as caught:
        coach_pb2_grpc.CoachStub(channel).Describe(coach_pb2.DescribeRequest(), timeout=10)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    return str(caught.value.details())


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_right_ones_get_through(loop: Loop, store: SecretStore, transport: str) -> None:
    with serving(loop, guarded_config(store, "coach", transport)) as address:
        assert answers(address, guarded_config(store, "actor", transport))


def test_tls_over_a_unix_socket(loop: Loop, store: SecretStore, socket: str) -> None:
    with serving(loop, guarded_config(store, "coach", "mutual", socket)) as address:
        assert answers(address, guarded_config(store, "actor", "mutual"))


def calls(channel: grpc.Channel, metadata: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Every call of the service, ready to be made."""
    stub = coach_pb2_grpc.CoachStub(channel)
    view = Games(1).view
    advise = coach_pb2.AdviseRequest(task=SPEC.name, view=view_message(view), mode=coach_pb2.MODE_MEAN)
    request = make_request(view)
    return {
        "Coordinate": lambda: next(stub.Coordinate(iter([request]), metadata=metadata, timeout=PATIENCE)),
        "Advise": lambda: stub.Advise(advise, metadata=metadata, timeout=PATIENCE),
        "Describe": lambda: stub.Describe(coach_pb2.DescribeRequest(), metadata=metadata, timeout=PATIENCE),
    }


@pytest.mark.parametrize("transport", ["plain", "tls"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "a token is needed"),
        ((("authorization", "Bearer " + 64 * "0"),), "is not that of this service"),
        ((("authorization", "Bearer "),), "is not that of this service"),
        ((("authorization", "Basic {token}"),), "a token is needed"),
        ((("authorization", "Bearer {token}x"),), "is not that of this service"),
        ((("authorization", "Bearer {half}"),), "is not that of this service"),
        ((("token", "{token}"),), "a token is needed"),
    ],
)
def test_no_token_and_a_wrong_one(
    loop: Loop, store: SecretStore, transport: str, given: tuple[tuple[str, str], ...], said: str
) -> None:
    token = (store.folder / "coach" / "token").read_text().strip()
    metadata = tuple((key, value.format(token=token, half=token[:32])) for key, value in given)
    settings = guarded_config(store, "actor", transport).coach
    with (
        serving(loop, guarded_config(store, "coach", transport)) as address,
        open_channel(address, settings) as channel,
    ):
        for name, attempt in calls(channel, metadata).items():
            with pytest.raises(grpc.RpcError) as caught:
                attempt()
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED, name
            assert said in str(caught.value.details())
            assert token not in str(caught.value)
        for attempt in calls(channel, call_metadata(address, settings)).values():
            assert isinstance(attempt(), Message)


def test_an_actor_with_a_wrong_token_says_so_and_does_not_play_on(
    loop: Loop, store: SecretStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = tmp_path / "token"
    wrong.write_text(hashlib.sha256(b"another").hexdigest())
    games = Games(1)
    with (
        serving(loop, guarded_config(store, "coach", "plain")) as address,
        CoachClient(address, guarded_config(store, "actor", "plain", token_file=wrong), sample=False) as client,
    ):

        def play() -> None:
            for step in range(1000):
                client.ask(0, step, games.view, nobody(games.view))
                client.collect(0, PATIENCE)

        with pytest.raises(UnavailableError, match=r"the coach does not take this process: .*coach\.token_file"):
            play()
        with pytest.raises(UnavailableError, match="does not take this process"):
            client.advise(0, games.view, games.everyone, PATIENCE)
    assert "without a valid token" in caplog.text
    assert wrong.read_text() not in caplog.text


def test_two_tokens_while_one_replaces_the_other(loop: Loop, store: SecretStore, tmp_path: Path) -> None:
    old = (store.folder / "coach" / "token").read_text()
    new, both = tmp_path / "new", tmp_path / "both"
    new.write_text(64 * "a")
    both.write_text(64 * "a" + "\n" + old)
    with serving(loop, guarded_config(store, "coach", "plain", token_file=both)) as address:
        assert answers(address, guarded_config(store, "actor", "plain"))
        assert answers(address, guarded_config(store, "actor", "plain", token_file=new))
        assert answers(address, guarded_config(store, "actor", "plain", token_file=both))


@pytest.mark.parametrize("transport", ["plain", "mutual"])
def test_health_needs_no_token_and_reflection_does(loop: Loop, store: SecretStore, transport: str) -> None:
    settings = guarded_config(store, "actor", transport).coach
    with (
        serving(loop, guarded_config(store, "coach", transport)) as address,
        open_channel(address, settings) as channel,
    ):
        health = health_pb2_grpc.HealthStub(channel)
        status = health.Check(health_pb2.HealthCheckRequest(service="copa.v1.Coach"), timeout=PATIENCE).status
        assert status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError) as caught:
            ProtoReflectionDescriptorDatabase(channel).get_services()
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody here believes."""
    return Authority.create(tmp_path_factory.mktemp("stranger"))


def shown(files: Path) -> dict[str, Path]:
    """Settings that show the certificate in `files`."""
    return {"certificate_file": files / "tls.crt", "key_file": files / "tls.key"}


def test_a_client_does_not_believe_a_service_of_another_authority(
    loop: Loop, store: SecretStore, stranger: Authority, tmp_path: Path
) -> None:
    theirs = issue(tmp_path, "coach", server_name=True, authority=stranger)
    config = guarded_config(store, "coach", "tls", **shown(theirs))
    with serving(loop, config) as address:
        assert "CERTIFICATE_VERIFY_FAILED" in shut_out(address, guarded_config(store, "actor", "tls"))


def test_a_service_does_not_believe_a_client_of_another_authority(
    loop: Loop, store: SecretStore, stranger: Authority, tmp_path: Path
) -> None:
    theirs = issue(tmp_path, "actor", authority=stranger)
    with serving(loop, guarded_config(store, "coach", "mutual")) as address:
        shut_out(address, guarded_config(store, "actor", "mutual", **shown(theirs)))
        assert answers(address, guarded_config(store, "actor", "mutual"))


def test_a_client_without_a_certificate_is_shut_out(loop: Loop, store: SecretStore) -> None:
    with serving(loop, guarded_config(store, "coach", "mutual")) as address:
        shut_out(address, guarded_config(store, "actor", "tls"))
        with pytest.raises(ConfigError, match=r"coach\.certificate_file and coach\.key_file are not set"):
            CoachClient(address, guarded_config(store, "actor", "mutual", certificate_file=None, key_file=None))


def test_expired_certificates(loop: Loop, store: SecretStore, tmp_path: Path) -> None:
    ours = Authority.open(store.folder / "ca")
    past = timedelta(seconds=-5)
    service = issue(tmp_path, "coach", server_name=True, life=past, authority=ours)
    client = issue(tmp_path, "actor", life=past, authority=ours)
    with serving(loop, guarded_config(store, "coach", "tls", **shown(service))) as address:
        assert "CERTIFICATE_VERIFY_FAILED" in shut_out(address, guarded_config(store, "actor", "tls"))
    with serving(loop, guarded_config(store, "coach", "mutual")) as address:
        shut_out(address, guarded_config(store, "actor", "mutual", **shown(client)))


def test_a_client_certificate_is_none_of_a_service(loop: Loop, store: SecretStore) -> None:
    actor = store.folder / "actor"
    with serving(loop, guarded_config(store, "coach", "tls", **shown(actor))) as address:
        assert "CERTIFICATE_VERIFY_FAILED" in shut_out(address, guarded_config(store, "actor", "tls"))


def test_a_certificate_of_another_host_is_not_taken(loop: Loop, store: SecretStore, tmp_path: Path) -> None:
    ours, other = Authority.open(store.folder / "ca"), Holder("other", ("other.example",))
    ours.issue(tmp_path / "other", other, timedelta(days=1))
    with serving(loop, guarded_config(store, "coach", "tls", **shown(tmp_path / "other"))) as address:
        shut_out(address, guarded_config(store, "actor", "tls"))


@pytest.mark.parametrize("transport", ["tls", "mutual"])
def test_plain_words_to_a_port_with_tls(loop: Loop, store: SecretStore, transport: str) -> None:
    with serving(loop, guarded_config(store, "coach", transport)) as address:
        shut_out(address, guarded_config(store, "actor", "plain"))


def test_tls_to_a_plain_port(loop: Loop, store: SecretStore) -> None:
    with serving(loop, guarded_config(store, "coach", "plain")) as address:
        shut_out(address, guarded_config(store, "actor", "tls"))


@pytest.mark.parametrize(
    ("transport", "token", "allowed"),
    [
        ("plain", False, False),
        ("plain", True, False),
        ("tls", False, False),
        ("tls", True, True),
        ("mutual", False, True),
        ("mutual", True, True),
    ],
)
@pytest.mark.parametrize("host", ["0.0.0.0", "[::]"])
def test_listening_beyond_this_machine(
    loop: Loop, store: SecretStore, host: str, transport: str, token: bool, allowed: bool
) -> None:
    without = {} if token else {"token_file": None}
    config = guarded_config(store, "coach", transport, f"{host}:0", **without)
    if not allowed:
        with pytest.raises(ConfigError, match=r"reaches beyond this machine.*--insecure"):
            loop.run(_start(config))
    elif host == "0.0.0.0":
        with serving(loop, config) as address:
            assert answers(f"127.0.0.1:{address.rpartition(':')[2]}", guarded_config(store, "actor", transport))


def test_insecure_is_said_aloud(loop: Loop, store: SecretStore, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    config = guarded_config(store, "coach", "plain", "0.0.0.0:0", insecure=True)
    with serving(loop, config) as address:
        assert answers(f"127.0.0.1:{address.rpartition(':')[2]}", guarded_config(store, "actor", "plain"))
    assert "coach.insecure is set, and 0.0.0.0:" in caplog.text


def test_a_token_does_not_travel_in_clear(store: SecretStore) -> None:
    settings = guarded_config(store, "actor", "plain").coach
    with pytest.raises(ConfigError, match="the token would travel in clear"):
        call_metadata("192.0.2.1:50051", settings)
    assert call_metadata("127.0.0.1:50051", settings)
    assert call_metadata("unix:/tmp/coach", settings)
    assert call_metadata("192.0.2.1:50051", settings.model_copy(update={"insecure": True}))
    assert call_metadata("192.0.2.1:50051", guarded_config(store, "actor", "tls").coach)


@pytest.mark.parametrize(
    ("content", "words"),
    [("", "is empty"), ("short", "at least 16"), ("a token with spaces", "at least 16"), (None, "cannot be read")],
)
def test_a_token_that_is_none_is_refused(
    loop: Loop, store: SecretStore, tmp_path: Path, content: str | None, words: str
) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_text(content)
    config = guarded_config(store, "coach", "plain", token_file=path)
    with pytest.raises(ConfigError, match=rf"coach\.token_file = .*{words}"), loop.serving(config, FIRST):
        pass


def test_certificates_that_cannot_be_used_are_named(loop: Loop, store: SecretStore, tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish"
    rubbish.write_text("-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n")
    other = store.folder / "actor"
    wrong: list[dict[str, Any]] = [
        {"ca_file": rubbish},
        {"certificate_file": rubbish},
        {"key_file": other / "tls.key"},
        {"key_file": tmp_path / "absent"},
        {"ca_file": None},
    ]
    for change in wrong:
        with pytest.raises(ConfigError, match=rf"coach\.{next(iter(change))}"):
            loop.run(_start(guarded_config(store, "coach", "mutual", **change)))


async def _start(config: Config) -> None:
    await CoachServer(SPEC, config, FIRST).start()
