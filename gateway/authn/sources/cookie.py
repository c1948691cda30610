"""Credential source: a login's session cookie, which counts only where nothing explicit is presented."""

from gateway.authn.sources.base import Presented


class Cookie:
    """No login of this version hands out cookies, so none is ever a credential of ours."""

    method = "cookie"
    explicit = False

    def find(self, request: Presented) -> bytes | None:  # noqa: ARG002 - the seam's signature
        return None
