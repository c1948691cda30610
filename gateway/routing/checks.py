"""What `gateway check` says of a list of routes: one that never matches, and a weaker one behind a stricter one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from gateway.routing.covering import covers, overlaps
from gateway.routing.patterns import AnonymousRule, AnonymousRules, Pattern
from gateway.routing.table import Hosts


@dataclass(frozen=True, slots=True)
class Guard:
    """A route as far as two of them can be compared: which requests it takes, and what it asks of a caller."""

    name: str
    pattern: Pattern
    upstream: str = ""
    methods: frozenset[str] | None = None
    hosts: Hosts = None
    anonymous: AnonymousRules = field(default_factory=AnonymousRules)
    public: bool = False
    passes_foreign: bool = False
    """`foreign_credentials: pass`."""
    logins: frozenset[str] = frozenset()
    """Any of these, as of roles and tenants; empty for no such demand."""
    roles: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    """All of these."""


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that is allowed and probably not meant."""

    route: str
    message: str


def review(guards: Sequence[Guard]) -> list[Warned]:
    """Every warning about these routes, in file order."""
    found: list[Warned] = []
    for number, guard in enumerate(guards):
        earlier = guards[:number]
        found += [Warned(guard.name, message) for message in _idle_entries(guard)]
        if takers := _takers(guard, earlier):
            found.append(Warned(guard.name, f"never matches: {takers} before it takes all of its requests"))
            continue
        found += [Warned(guard.name, message) for other in earlier for message in _openings(guard, other)]
    return found


def _idle_entries(guard: Guard) -> Iterator[str]:
    for rule in guard.anonymous.rules:
        wrong_method = rule.method and guard.methods is not None and rule.method not in guard.methods
        if wrong_method or not overlaps(rule.pattern, guard.pattern):
            yield f'the anonymous entry "{rule}" never applies: the route does not take such requests'


def _takers(guard: Guard, earlier: Sequence[Guard]) -> str:
    """The names of the routes that leave this one no request, empty if it gets some."""
    wider = [other for other in earlier if covers(other.pattern, guard.pattern)]
    takers: dict[str, None] = {}
    for method, host in product(guard.methods or {None}, guard.hosts or {None}):
        taker = next((other for other in wider if _takes(other.methods, method) and _takes(other.hosts, host)), None)
        if taker is None:
            return ""
        takers[f'"{taker.name}"'] = None
    return ", ".join(takers)


def _takes(listed: frozenset[str] | frozenset[bytes] | None, wanted: str | bytes | None) -> bool:
    return listed is None or wanted in listed


def _openings(later: Guard, earlier: Guard) -> Iterator[str]:
    """An ERP that ignores case or a trailing slash serves the stricter route's data under the weaker one's rules."""
    same_upstream = later.upstream == earlier.upstream
    broader = covers(later.pattern, earlier.pattern) and not covers(earlier.pattern, later.pattern)
    if same_upstream and broader and (reasons := list(_weaknesses(later, earlier))):
        yield (
            f'is broader than "{earlier.name}" before it, on the same upstream, and weaker: it '
            f"{' and '.join(reasons)}; a path that only the upstream reads as one of that route "
            "(other case, a trailing slash) falls to it"
        )


def _weaknesses(later: Guard, earlier: Guard) -> Iterator[str]:
    if earlier.public:
        return
    if later.public:
        yield "is public"
        return
    if later.passes_foreign and not earlier.passes_foreign:
        yield "passes foreign credentials"
    if any(_frees(rule, earlier) for rule in later.anonymous.rules):
        yield "needs no credential there"
    for name in ("logins", "roles", "tenants"):
        wanted, accepted = getattr(earlier, name), getattr(later, name)
        if wanted and not (accepted and accepted <= wanted):
            yield f"accepts other {name}"
    if not earlier.scopes <= later.scopes:
        yield "demands fewer scopes"


def _frees(rule: AnonymousRule, earlier: Guard) -> bool:
    """Whether an entry whitelists the neighbourhood of a route that does not whitelist itself."""
    return covers(rule.pattern, earlier.pattern) and not any(
        own.method in ("", rule.method) and covers(own.pattern, earlier.pattern) for own in earlier.anonymous.rules
    )
