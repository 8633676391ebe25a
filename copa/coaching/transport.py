"""Settings of gRPC that client and service share."""

from copa.config.schema import CoachSettings

Options = list[tuple[str, int]]


def message_options(settings: CoachSettings) -> Options:
    """Limits of message sizes, for both sides."""
    return [
        ("grpc.max_receive_message_length", settings.message_bytes),
        ("grpc.max_send_message_length", settings.message_bytes),
    ]


def client_options(settings: CoachSettings) -> Options:
    """Options of a channel: notice within 15 s that the other machine is gone, and look for it often."""
    return [
        *message_options(settings),
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
