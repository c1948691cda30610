"""Credential source: a login's session cookie, which counts only where nothing explicit is presented."""

from collections.abc import Callable, Iterable

from gateway.authn.sources.base import Presented
from gateway.tokens.cookies import cookie_values


class Cookie:
    """Reads the cookies of these names. A browser sends them unasked, so one that is not ours is no credential."""

    method = "cookie"
    explicit = False

    def __init__(self, names: Iterable[bytes] = (), is_ours: Callable[[bytes], bool] = bool) -> None:
        """`is_ours` is asked only where there are several: another site of the domain may have added one."""
        self.names = tuple(names)
        self._is_ours = is_ours

    def find(self, request: Presented) -> bytes | None:
        """The value, or None; two that are ours and differ are none, for either may have been planted."""
        header = request.cookie
        if header is None:
            return None
        found = [value for name in self.names for value in cookie_values(header, name)]
        if len(found) > 1:
            found = [value for value in dict.fromkeys(found) if self._is_ours(value)]
        return found[0] if len(found) == 1 else None
