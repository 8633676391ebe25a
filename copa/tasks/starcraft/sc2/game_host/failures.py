"""How a host fails: by what is not there, and by a game that died."""


class MissingError(Exception):
    """Something that the game needs is not installed, or is the wrong thing; the message says what to do."""


class LostError(Exception):
    """The game died, or does not do what it is told."""
