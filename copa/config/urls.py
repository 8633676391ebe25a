"""URLs that may hold a password."""

import re

_QUERY = re.compile(r"(?<=[?&])password=[^&#]*&?")
_USER = re.compile(r"//([^/@:]*):[^?]*@")


def without_password(url: str) -> str:
    """`url`, or a command line argument with one in it, without the password; never raises.

    A password stands before the host or in the query; one whose `/` or `@` should have been quoted goes too.
    """
    shorter = _QUERY.sub("", url)
    if shorter != url:
        shorter = shorter.rstrip("?&")
    return _USER.sub(lambda found: f"//{found[1]}@" if found[1] else "//", shorter)
