"""Every failure a client can be told: status, code and public text are data; arguments are for the log only.

The public text never carries what the client sent, so that nothing secret is reflected. Statuses follow RFC 9110,
bearer challenges RFC 6750 section 3. Instances are made per failure and never shared between exchanges.
"""

from enum import Enum
from typing import ClassVar


class Reason(Enum):
    """Why a credential was refused, for dialects whose answers tell and for the log. The native ones never tell."""

    ABSENT = "absent"
    """There is none."""
    MISSING_SCHEME = "missing_scheme"
    """There is an Authorization header, but of another scheme than Bearer."""
    BAD_HEADER = "bad_header"
    """Bearer, but not exactly one token after it."""
    MALFORMED = "malformed"
    """Bytes in no shape that a login writes."""
    BAD_SIGNATURE = "bad_signature"
    """Three segments as a JWT has them, signed by none of our keys."""
    EXPIRED = "expired"
    REVOKED = "revoked"
    """Ended before its time: by itself, with its session, or with its user."""
    UNKNOWN = "unknown"
    """Ours by its looks, and the store does not know it."""
    WRONG_KIND = "wrong_kind"
    """A live or dead token of ours that serves something else, such as a refresh token on a route."""
    PREAUTH = "preauth"
    """A token from the first step of a login, where the second was needed."""
    UNKNOWN_KEY = "unknown_key"
    """No such API key."""
    OTHER_LOGIN = "other_login"
    """A live token of a login that does not count here."""


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


class SeveralCredentials(BadRequest):
    """More than one credential in one request (RFC 6750, section 2)."""

    public = "The request carries more than one credential."
    challenge = 'Bearer error="invalid_request"'


class CredentialsMissing(GatewayError):
    """No credential where one is needed."""

    status = 401
    code = "unauthorized"
    public = "This resource needs a credential."
    challenge = "Bearer"

    def __init__(self, log_detail: str = "", *, reason: Reason = Reason.ABSENT) -> None:
        super().__init__(log_detail)
        self.reason = reason


class CredentialsRejected(CredentialsMissing):
    """A credential was presented and is not valid."""

    code = "invalid_token"
    public = "The credential is invalid, expired or revoked."
    challenge = 'Bearer error="invalid_token"'

    def __init__(self, log_detail: str = "", *, reason: Reason = Reason.UNKNOWN, presented: str = "") -> None:
        super().__init__(log_detail, reason=reason)
        self.presented = presented
        """The refused token's text, only where the dialect's answer is made of it; never logged."""


class LoginRejected(GatewayError):
    """A login failed: name or password is wrong. Never says which."""

    status = 401
    code = "invalid_credentials"
    public = "The username or the password is wrong."
    challenge = "Bearer"


class AccountLocked(LoginRejected):
    """The ERP says that the account is locked, disabled or out of tries: the password was not what was wrong."""

    code = "account_locked"
    public = "The account is locked."


class SelectionNeeded(LoginRejected):
    """The ERP needs more than a name and a password: a tenant or role to be chosen, or a second factor."""

    code = "selection_needed"
    public = "The account needs a choice or a second factor that this login cannot ask for."


class RefreshRejected(GatewayError):
    """A refresh token is unknown, expired, revoked or was used twice (RFC 6749, section 5.2: invalid_grant)."""

    status = 401
    code = "invalid_grant"
    public = "The refresh token is invalid, expired or revoked."
    challenge = "Bearer"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        """unknown, malformed, bad_signature, wrong_kind, expired, revoked, reused, removed or another_client."""


class ClientRejected(GatewayError):
    """OAuth2 client authentication failed (RFC 6749, section 5.2)."""

    status = 401
    code = "invalid_client"
    public = "Client authentication failed."
    challenge = 'Basic realm="oauth2", charset="UTF-8"'


class GrantNotAllowed(GatewayError):
    """The OAuth2 client may not use this grant (RFC 6749, section 5.2)."""

    status = 400
    code = "unauthorized_client"
    public = "This client may not use this grant type."


class UnsupportedGrant(GatewayError):
    """The grant type is not one the login offers (RFC 6749, section 5.2)."""

    status = 400
    code = "unsupported_grant_type"
    public = "This grant type is not supported."


class ScopeRejected(GatewayError):
    """A scope was asked for that is malformed or not to be had (RFC 6749, section 5.2)."""

    status = 400
    code = "invalid_scope"
    public = "The requested scope is malformed or exceeds what may be granted."


class MalformedBody(BadRequest):
    """An endpoint's body is not what it reads; the explanation names fields, never their values."""

    def __init__(self, explanation: str) -> None:
        super().__init__(explanation)
        self.explanation = explanation


class Forbidden(GatewayError):
    """The identity is known and may not do this."""

    status = 403
    code = "forbidden"
    public = "The credential does not give access to this resource."


class InsufficientScope(Forbidden):
    """A scope is missing (RFC 6750, section 3.1)."""

    code = "insufficient_scope"
    challenge = 'Bearer error="insufficient_scope"'


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


class TooManyRequests(GatewayError):
    """A limit of this client is used up."""

    status = 429
    code = "too_many_requests"
    public = "Too many requests; try again later."
    retry_after = 1


class Banned(TooManyRequests):
    """Too many logins have failed for this account from this address, or from this address at all.

    The password was not looked at. `retry_after` is what the ban has left.
    """

    public = "Too many failed logins; try again later."


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


class UpstreamFault(GatewayError):
    """The upstream refused the connection, broke it, or did not answer HTTP."""

    status = 502
    code = "bad_gateway"
    public = "The service behind the gateway could not be reached."


class Unavailable(GatewayError):
    """Something the gateway needs is away for now."""

    status = 503
    code = "temporarily_unavailable"
    public = "The service is temporarily unavailable; try again shortly."
    retry_after = 1


class StoreUnavailable(Unavailable):
    """The token store did not answer in time. Never a 401: the credential may well be good."""


class UpstreamsDown(Unavailable):
    """No server of this upstream is up."""


class ErpDown(Unavailable):
    """The ERP that an identity provider asks refused, broke the connection, or answered 5xx."""

    public = "The ERP behind the gateway is not available; try again shortly."
    retry_after = 2


class ErpNonsense(ErpDown):
    """The ERP that an identity provider asks answered what is no answer to the question."""

    public = "The ERP behind the gateway gave an answer that makes no sense; try again shortly."


class ErpSlow(ErpDown):
    """The ERP that an identity provider asks did not answer in time."""

    status = 504
    public = "The ERP behind the gateway did not answer in time; try again shortly."


class UpstreamTimeout(GatewayError):
    """The upstream was late with its connection or its answer's head."""

    status = 504
    code = "gateway_timeout"
    public = "The service behind the gateway did not answer in time."


class VersionNotSupported(GatewayError):
    """Neither HTTP/1.0 nor HTTP/1.1."""

    status = 505
    code = "http_version_not_supported"
    public = "Only HTTP/1.0 and HTTP/1.1 are spoken here."
    close = True
