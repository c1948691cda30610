"""Which credential a request carries, and whether it is good: the only place that decides 401."""
