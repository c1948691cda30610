"""What every failure that a client can be told has in common."""

from typing import ClassVar


class GatewayError(Exception):
    """A failure with an answer. `str(error)` is for the log; the class attributes are for the client."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    public: ClassVar[str] = "The gateway could not answer this request."
    challenge: ClassVar[str] = ""
    """Value of WWW-Authenticate, empty for none."""
    retry_after: int = 0
    """Seconds for Retry-After, 0 for none."""
    allow: tuple[str, ...] = ()
    """Methods for the Allow header of a 405."""
    close: ClassVar[bool] = False
    """The connection cannot be reused: what follows on it may not be the start of a request."""

    def __init__(self, log_detail: str = "", *, retry_after: int | None = None, allow: tuple[str, ...] = ()) -> None:
        super().__init__(log_detail or self.public)
        if retry_after is not None:
            self.retry_after = retry_after
        if allow:
            self.allow = allow
