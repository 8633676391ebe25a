"""Settings of gRPC that client and service share: limits, certificates, the token."""

import json

import grpc

from copa.coaching.address import Address
from copa.config.schema import CoachSettings
from copa.errors import ConfigError
from copa.security.files import Identity, read_identity, read_secret

Options = list[tuple[str, int | str]]
Metadata = tuple[tuple[str, str], ...]

AUTHORIZATION = "authorization"
"""Key of the metadata in which the token travels, after `BEARER`."""
BEARER = "Bearer "
SHORTEST_TOKEN = 16
"""Characters that a token has at least."""


def message_options(settings: CoachSettings) -> Options:
    """Limits of message sizes, for both sides."""
    return [
        ("grpc.max_receive_message_length", settings.message_bytes),
        ("grpc.max_send_message_length", settings.message_bytes),
    ]


def client_options(settings: CoachSettings) -> Options:
    """Options of a channel: notice within 15 s that the other machine is gone, and look for it often.

    Where the service's name has several addresses, each channel takes one at random, and another when that is gone.
    """
    return [
        *message_options(settings),
        ("grpc.service_config", json.dumps({"loadBalancingConfig": [{"pick_first": {"shuffleAddressList": True}}]})),
        ("grpc.keepalive_time_ms", 10_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 1_000),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.use_local_subchannel_pool", 1),
    ]


def server_options(settings: CoachSettings) -> Options:
    """Options of the server: the same limits, clients that ping as often as ours are welcome, one server a port."""
    return [
        *message_options(settings),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
        ("grpc.so_reuseport", 0),
    ]


def open_channel(address: str, settings: CoachSettings) -> grpc.Channel:
    """A channel to the service at `address`, with TLS where `coach.transport` says so.

    Raises ConfigError for certificates that are missing or no certificates.
    """
    target, options = Address.parse(address).target, client_options(settings)
    if settings.transport == "plain":
        return grpc.insecure_channel(target, options=options)
    identity = read_identity(settings, "coach")
    if settings.transport == "mutual":
        _check_certificate(identity, settings)
    credentials = grpc.ssl_channel_credentials(identity.authorities, identity.key, identity.certificate)
    if target.startswith("unix:"):  # a path is no name that a certificate could have
        options.append(("grpc.ssl_target_name_override", "localhost"))
    return grpc.secure_channel(target, credentials, options=options)


def server_credentials(settings: CoachSettings) -> grpc.ServerCredentials | None:
    """What the service shows and asks for; None for `plain`.

    Raises ConfigError for certificates that are missing or no certificates.
    """
    if settings.transport == "plain":
        return None
    identity = read_identity(settings, "coach")
    _check_certificate(identity, settings)
    assert identity.key is not None
    assert identity.certificate is not None
    if settings.transport == "tls":
        return grpc.ssl_server_credentials([(identity.key, identity.certificate)])
    if identity.authorities is None:
        raise ConfigError(
            "coach.transport is mutual, and coach.ca_file is not set: it says whose certificates actors must show"
        )
    return grpc.ssl_server_credentials(
        [(identity.key, identity.certificate)], root_certificates=identity.authorities, require_client_auth=True
    )


def call_metadata(address: str, settings: CoachSettings) -> Metadata:
    """What accompanies every call: the token, if there is one.

    Raises ConfigError for a token that would travel in clear beyond this machine.
    """
    if settings.token_file is None:
        return ()
    if settings.transport == "plain" and not settings.insecure and not Address.parse(address).local:
        raise ConfigError(
            f"coach.address: {address} reaches beyond this machine, and coach.transport is plain: the token would"
            " travel in clear; set coach.transport to tls or mutual, or allow it by --insecure (coach.insecure)"
        )
    return ((AUTHORIZATION, BEARER + read_tokens(settings)[0]),)


def check_listening(settings: CoachSettings) -> None:
    """Refuse to listen beyond this machine where callers are not known or could be overheard; raises ConfigError.

    Known are those who show a certificate (`mutual`) or bring the token over TLS. TLS alone lets everybody in.
    """
    if settings.insecure or Address.parse(settings.address).local:
        return
    if settings.transport == "mutual" or (settings.transport == "tls" and settings.token_file is not None):
        return
    has = f"coach.transport is {settings.transport} and there is {'a' if settings.token_file else 'no'} token"
    raise ConfigError(
        f"coach.address: {settings.address} reaches beyond this machine, and the service has not enough protection:"
        f" {has}; set coach.transport to mutual, or to tls with coach.token_file (`copa secrets init` makes what they"
        " need), listen on 127.0.0.1 or unix:PATH, or allow it by --insecure (coach.insecure)"
    )


def read_tokens(settings: CoachSettings) -> list[str]:
    """The tokens that the service takes; the first is the one that actors send.

    Raises ConfigError for a file that cannot be read, or a token that is too short or not of printable ASCII.
    """
    if settings.token_file is None:
        return []
    tokens = read_secret(settings.token_file, "coach.token_file").split()
    if any(len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() for token in tokens):
        raise ConfigError(
            f"coach.token_file = {str(settings.token_file)!r}: every line must be a token of at least {SHORTEST_TOKEN}"
            " characters of printable ASCII; `openssl rand -hex 32` makes one"
        )
    return tokens


def _check_certificate(identity: Identity, settings: CoachSettings) -> None:
    if identity.certificate is None:
        raise ConfigError(
            f"coach.transport is {settings.transport}, and coach.certificate_file and coach.key_file are not set: they"
            " say who this process is"
        )
