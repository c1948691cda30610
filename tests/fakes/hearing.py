"""What a feed tells its listeners."""

from dataclasses import replace


class Heard(list):
    """All of it in order. In a Cluster every message comes over each subscription: said again, it is kept once."""

    def __init__(self, feed, server, *, timeless=False):
        super().__init__()
        self._once = server.masters > 1
        self._timeless = timeless
        feed.listen(self._hear)

    def _hear(self, invalidation):
        told = replace(invalidation, not_before=0.0) if self._timeless else invalidation
        if not (self._once and told in self):
            self.append(told)
