"""The head of one request as it was read: what the gateway needs by name, and what is copied as it came."""

Fields = list[tuple[bytes, bytes]]


class RequestHead:
    """Filled once by `headers.read_head`. Values are bytes as received, without trailing white space where named."""

    __slots__ = (
        "api_key",
        "authorization",
        "chunked",
        "conditional",
        "connection",
        "content_length",
        "content_type",
        "cookie",
        "copied",
        "expects_continue",
        "fetch_site",
        "fields",
        "forwarded_for",
        "forwarded_host",
        "forwarded_proto",
        "host",
        "http11",
        "keep_alive",
        "method",
        "origin",
        "path",
        "query",
        "referer",
        "request_id",
        "target",
        "upgrade",
    )

    def __init__(self, method: str, target: bytes, fields: Fields, *, keep_alive: bool) -> None:
        self.method = method
        self.target = target
        self.fields = fields
        self.http11 = True
        self.keep_alive = keep_alive
        self.path = b""
        """The canonical path, once it has been judged."""
        self.query = b""
        self.copied: list[bytes] = []
        """Name, colon, value and line end of each header that is passed on, flat, ready to be joined."""
        self.chunked = False
        self.expects_continue = False
        self.content_length = -1
        """Bytes of the body; -1 where the head does not say."""
        self.host: bytes | None = None
        self.authorization: bytes | None = None
        self.api_key: bytes | None = None
        self.cookie: bytes | None = None
        self.referer: bytes | None = None
        self.content_type: bytes | None = None
        self.connection: bytes | None = None
        self.upgrade: bytes | None = None
        self.origin: bytes | None = None
        self.fetch_site: bytes | None = None
        self.request_id: bytes | None = None
        self.forwarded_for: bytes | None = None
        self.forwarded_host: bytes | None = None
        self.forwarded_proto: bytes | None = None
        self.conditional: Fields | None = None
        """Headers that only some routes pass on."""

    def repeat(self, template: "RequestHead") -> None:
        """Take over what was read of the same headers, for a request without a body."""
        self.copied = template.copied.copy()
        self.host = template.host
        self.authorization = template.authorization
        self.api_key = template.api_key
        self.cookie = template.cookie
        self.referer = template.referer
        self.content_type = template.content_type
        self.origin = template.origin
        self.fetch_site = template.fetch_site
        self.request_id = template.request_id
        self.forwarded_for = template.forwarded_for
        self.forwarded_host = template.forwarded_host
        self.forwarded_proto = template.forwarded_proto

    @property
    def has_framing(self) -> bool:
        """Something must be said of a body or an upgrade."""
        return self.chunked or self.content_length >= 0 or self.upgrade is not None

    @property
    def has_body(self) -> bool:
        """A body follows the head."""
        return self.chunked or self.content_length > 0
