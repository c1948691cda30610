"""Requests that cannot be read, or lead nowhere."""

from gateway.errors.base import GatewayError


class BadRequest(GatewayError):
    """The request is malformed or means two things at once."""

    status = 400
    code = "invalid_request"
    public = "The request is malformed or ambiguous."


class UnsafePath(BadRequest):
    """The request target could be read differently by the ERP than by the gateway."""

    public = "The request target is ambiguous and was refused."


class MalformedMessage(BadRequest):
    """The bytes are not HTTP/1.x as RFC 9112 writes it."""

    public = "The request is not valid HTTP."
    close = True


class MalformedBody(BadRequest):
    """An endpoint's body is not what it reads; the explanation names fields, never their values."""

    def __init__(self, explanation: str) -> None:
        super().__init__(explanation)
        self.explanation = explanation


class NotFound(GatewayError):
    """No route and no endpoint."""

    status = 404
    code = "not_found"
    public = "There is nothing at this address."


class MethodNotAllowed(GatewayError):
    """The address is known, the method is not for it."""

    status = 405
    code = "method_not_allowed"
    public = "This method is not allowed here."

    def __init__(self, log_detail: str = "", *, allow: tuple[str, ...] = (), method: str = "") -> None:
        super().__init__(log_detail, allow=allow)
        self.method = method
        """The one that was asked for, where an ERP tells it; empty: not known."""


class RequestTimedOut(GatewayError):
    """The client was too slow with its head or its body."""

    status = 408
    code = "request_timeout"
    public = "The request took too long to arrive."
    close = True


class BodyTooLarge(GatewayError):
    """The body is over the route's limit."""

    status = 413
    code = "body_too_large"
    public = "The request body is too large."
    close = True


class UnsupportedMediaType(GatewayError):
    """An endpoint was sent another content type than it reads."""

    status = 415
    code = "unsupported_media_type"
    public = "This endpoint does not read this content type."


class HeadTooLarge(GatewayError):
    """Request line and headers are over the limit."""

    status = 431
    code = "request_header_fields_too_large"
    public = "The request line and headers are too large."
    close = True


class ClientGone(GatewayError):
    """The client went away before the answer was complete; only the log sees this."""

    status = 499
    code = "client_closed_request"
    close = True


class NotImplementedMessage(GatewayError):
    """A transfer coding that is not implemented here (RFC 9112, section 6.1)."""

    status = 501
    code = "not_implemented"
    public = "This transfer coding is not supported."
    close = True


class VersionNotSupported(GatewayError):
    """Neither HTTP/1.0 nor HTTP/1.1."""

    status = 505
    code = "http_version_not_supported"
    public = "Only HTTP/1.0 and HTTP/1.1 are spoken here."
    close = True
