"""What a client connection is waiting for; its one deadline is judged by that."""

HEAD = 0
"""The rest of a request's head, or the first one."""
BODY = 1
"""More of a request's body."""
RESPONSE = 2
"""The head of the upstream's answer."""
STREAM = 3
"""More of the answer's body from the upstream."""
IDLE = 4
"""The next request on a kept connection."""
DRAIN = 5
"""The client, to read what was written to it."""
LINGER = 6
"""The client, to notice that we closed."""
NOTHING = 7
"""Work of our own that has time-outs of its own."""
HALF_CLOSED = 8
"""An answer for a client that has stopped sending, and may be gone."""
