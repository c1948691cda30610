"""Answer heads that were read before: the same bytes are the same head, so they need not be parsed twice.

ERPs answer API clients with a few heads over and over (a date changes once a second). Only what llhttp has read as one
whole, well-framed answer in one piece is remembered, so there is no second parser that could read it differently.
"""

from typing import NamedTuple

LONGEST = 2048
"""Bytes of a head that is worth remembering."""
MOST = 512
"""Heads remembered at most, about 1 MiB; a full memo is emptied."""


class KnownAnswer(NamedTuple):
    """What a head meant."""

    status: int
    head: bytes
    """The head for the client."""
    length: int
    """Bytes of the body."""


class KnownAnswers(dict[bytes, KnownAnswer]):
    """Raw head with its empty line -> what it meant. One for each generation of the configuration."""

    def remember(self, answer: bytes, known: KnownAnswer) -> None:
        """Keep the head of a whole answer."""
        end = len(answer) - known.length
        if end <= LONGEST:
            if len(self) >= MOST:
                self.clear()
            self[answer[:end]] = known
