"""Where a request may carry a credential, and how it is read. A new one is one file and one line here."""

from gateway.authn.sources.access_token import AccessToken
from gateway.authn.sources.api_key import ApiKey
from gateway.authn.sources.base import Presented, Source
from gateway.authn.sources.bearer import Bearer
from gateway.authn.sources.cookie import Cookie

__all__ = ["SOURCES", "Presented", "Source"]

SOURCES: dict[str, Source] = {
    "bearer": Bearer(),
    "api_key": ApiKey(),
    "access_token": AccessToken(),
    "cookie": Cookie(),
}
"""By the name that a route's `credentials` uses."""
