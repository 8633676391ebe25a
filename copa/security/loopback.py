"""Whether an address is this machine's own."""

import ipaddress
import socket


def loopback_only(host: str) -> bool:
    """Whether `host`, a name or an address, means loopback and nothing else; an empty one means everywhere.

    Raises OSError for a name that is not known.
    """
    if not host:
        return False
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return all(ipaddress.ip_address(str(entry[4][0]).split("%")[0]).is_loopback for entry in found)
