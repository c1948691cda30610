"""Why reading from a client is paused; reasons are bits, so that one ending does not undo another."""

PIPELINE = 1
"""Requests wait behind the one that is served."""
UPSTREAM_FULL = 2
"""The upstream reads more slowly than the client sends."""
UNDECIDED = 4
"""Nobody knows yet where the body goes."""
CLIENT_FULL = 8
"""The client does not read what was written to it."""
UPGRADING = 16
"""What follows may belong to a tunnel, or be HTTP again."""
