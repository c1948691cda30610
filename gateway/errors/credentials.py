"""Credentials, logins and refreshes that are refused, and limits that are used up."""

from enum import Enum

from gateway.errors.base import GatewayError
from gateway.errors.requests import BadRequest


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
    """Ended before its time: by itself, with its session, or with its user's password."""
    USER_GONE = "user_gone"
    """Its user was removed or locked."""
    TENANT_GONE = "tenant_gone"
    """Its user is not in its tenant any more."""
    CHOICE_GONE = "choice_gone"
    """What else was chosen at its login, such as a role, is not to be had any more."""
    UNKNOWN = "unknown"
    """Ours by its looks, and the store does not know it."""
    WRONG_KIND = "wrong_kind"
    """A live or dead token of ours that serves something else, such as a refresh token on a route."""
    PREAUTH = "preauth"
    """A token from the first step of a login, where the second was needed."""
    UNKNOWN_KEY = "unknown_key"
    """No such API key."""
    KEY_EXPIRED = "key_expired"
    """An API key whose time is over."""
    KEY_BLOCKED = "key_blocked"
    """An API key that is listed as blocked."""
    OTHER_LOGIN = "other_login"
    """A live token of a login that does not count here."""


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


class Forbidden(GatewayError):
    """The identity is known and may not do this."""

    status = 403
    code = "forbidden"
    public = "The credential does not give access to this resource."


class NoErpSession(Forbidden):
    """The session is live and has nothing in the ERP that its request is for."""


class InsufficientScope(Forbidden):
    """A scope is missing (RFC 6750, section 3.1)."""

    code = "insufficient_scope"
    challenge = 'Bearer error="insufficient_scope"'


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
