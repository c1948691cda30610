"""The seam of credential sources: what of a request they see, and what they answer."""

from typing import Protocol


class Presented(Protocol):
    """What a request carries that may be a credential; raw header values, None where there is none."""

    authorization: bytes | None
    api_key: bytes | None
    cookie: bytes | None
    url_token: bytes | None
    """The decoded `access_token` parameter, where the route reads it and the value is ours."""
    set_cookie: bytes | None
    """Value of a Set-Cookie header that goes out with the answer."""
    method: str
    upgrade: bytes | None
    origin: bytes | None
    fetch_site: bytes | None

    @property
    def has_body(self) -> bool:
        """A body follows the head."""
        ...

    @property
    def own_origin(self) -> bytes:
        """The origin that the client asked, as a browser would write it."""
        ...


class Source(Protocol):
    """Reads one credential out of a request; never judges it."""

    method: str
    """What `Identity.method` says of a credential that came this way."""
    explicit: bool
    """The client put it there on purpose; False for a cookie, which browsers add unasked."""

    def find(self, request: Presented) -> bytes | None:
        """The credential's text, or None. Raises CredentialsRejected for one that cannot be read."""
