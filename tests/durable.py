"""Options of a server whose every acknowledged write is on disk, so that a SIGKILL loses nothing, however busy it is.

With the ordinary `everysec` a write may wait up to two seconds behind a slow fsync.
"""

DURABLE = {"appendfsync": "always"}
