"""Credential source: `X-API-Key`; an API key sent as Bearer is read by that source and judged alike."""

from gateway.authn.sources.base import Presented


class ApiKey:
    """The whole value is the key."""

    method = "api_key"
    explicit = True

    def find(self, request: Presented) -> bytes | None:
        return request.api_key
