"""`python -m copa.supervisor.guard LOCK COMMAND ...`: become COMMAND, alone with its data, and end with the supervisor.

For programs that are not ours, such as the embedded server; our own processes see to their end themselves.
The lock is held through the open file for as long as COMMAND lives, so that the server of an earlier start that is
still writing its append-only file is waited for.
"""

import fcntl
import os
import signal
import sys

from copa.runtime import die_with_parent


def main(arguments: list[str]) -> None:
    """Take the lock, then replace this process by the command."""
    if len(arguments) < 2:
        raise SystemExit("usage: python -m copa.supervisor.guard LOCK COMMAND ...")
    die_with_parent(signal.SIGTERM)
    lock, *command = arguments
    held = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    os.set_inheritable(held, True)
    fcntl.flock(held, fcntl.LOCK_EX)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
