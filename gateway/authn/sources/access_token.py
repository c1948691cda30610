"""Credential source: `?access_token=` (RFC 6750, section 2.3), for images and downloads that browsers fetch."""

from gateway.authn.sources.base import Presented


class AccessToken:
    """The proxy has already found, decoded and cut the parameter; only a value that is ours arrives here."""

    method = "access_token"
    explicit = True

    def find(self, request: Presented) -> bytes | None:
        return request.url_token
