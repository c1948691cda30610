"""A real gate, real connections on both sides, and no sockets: the warm path runs inside `client.says`."""

from fakes.clock import Clock
from fakes.presented import StillTokens, verified
from fakes.transports import StillTransport

from gateway.authn.api_keys import ApiKeys
from gateway.authn.authenticator import Authenticator
from gateway.authn.session_cookies import NO_COOKIES
from gateway.authn.sources.bearer import PLAIN
from gateway.dialects.replies import refusal
from gateway.observe.metrics import Metrics
from gateway.proxy.answer import AnswerActions
from gateway.proxy.connection import ClientConnection
from gateway.proxy.gate import Gate
from gateway.proxy.headers import HeaderActions
from gateway.proxy.identity_lines import IdentityLines
from gateway.proxy.observer import Observer
from gateway.proxy.route import LoginEndpoint, Route, Rules
from gateway.routing.patterns import AnonymousRules, Pattern
from gateway.routing.table import RouteTable
from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.injectors.fixed import HeaderCredential, NoCredential
from gateway.upstream.pool import Endpoint, Server
from gateway.upstream.upstream import Upstream

NAMES = {"user": "X-Auth-User", "user_id": "X-Auth-User-Id", "roles": "X-Auth-Roles", "scopes": "X-Auth-Scopes"}
NAMES |= {"tenant": "X-Auth-Tenant", "login": "X-Auth-Login", "method": "X-Auth-Method"}


def erp_key():
    return HeaderCredential(HeaderCredential.Options.model_validate({"name": "X-ERP-Key", "value": "k"}))


class StillServer(Server):
    """A server whose connections need no socket; `refuses` is what connecting raises."""

    def __init__(self, host="10.0.0.1"):
        super().__init__(Endpoint(host, 8069), 1.0)
        self.refuses = None
        self.connected = []

    def wire(self):
        connection = UpstreamConnection(self)
        connection.connection_made(StillTransport())
        self.open.add(connection)
        return connection

    async def connect(self):
        if self.refuses is not None:
            raise self.refuses
        connection = self.wire()
        self.connected.append(connection)
        return connection


class Client:
    """One client's connection."""

    def __init__(self, gate, transport=None):
        self.transport = transport or StillTransport()
        self.connection = ClientConnection(gate)
        self.connection.connection_made(self.transport)

    def says(self, *parts):
        for part in parts:
            self.connection.data_received(part)

    def hears(self):
        return self.transport.take()


class Wired:
    """A gate with one upstream of one server, `idle` connections ready; routes by name -> fields that differ."""

    def __init__(self, routes=(), *, idle=1, endpoints=None, injector=None, trusted=(), **rules):
        self.tokens = StillTokens({b"warm": verified()}, {b"cold": verified("bob")})
        self.metrics = Metrics()
        self.lines = []
        self.server = StillServer()
        self.upstream = Upstream("erp", (self.server,))
        self.injector = injector or NoCredential(NoCredential.Options())
        self.idle = [self.server.wire() for _ in range(idle)]
        for connection in self.idle:
            self.server.release(connection)
        self.rules = self._rules(routes or ({},), endpoints or {}, trusted, rules)
        self.gate = Gate(self.rules, Observer(self.metrics, self))

    def record(self, *fields):
        """As `AccessLog.record`."""
        self.lines.append(fields)

    def malformed(self, client, reason, status=0):
        """As `AccessLog.malformed`."""
        self.lines.append((client, reason, status))

    def client(self, **options):
        return Client(self.gate, **options)

    @property
    def erp(self):
        """The transport of the upstream connection that was there first."""
        return self.idle[0].transport

    def _rules(self, routes, endpoints, trusted, rules):
        made = [self.route(**{"name": f"route-{index}", **fields}) for index, fields in enumerate(routes)]
        owners = {
            handler: LoginEndpoint(handler, "native", refusal)
            for offers in endpoints.values()
            for _, methods in offers
            for handler in methods.values()
        }
        owned = list(self.injector.owns)
        return Rules(
            table=RouteTable(made, endpoints),
            endpoint_owner=owners,
            request_actions=HeaderActions([name.encode() for name in NAMES.values()], owned),
            answer_actions=AnswerActions([name.encode() for name in NAMES.values()], _names(rules.get("own_cookies"))),
            refuse=refusal,
            trusted_proxies=trusted,
            upstreams=(self.upstream,),
            **rules,
        )

    def route(
        self,
        *,
        name="orders",
        path="/orders/**",
        anonymous=(),
        credentials=("bearer",),
        foreign=False,
        reading=PLAIN,
        cookies=NO_COOKIES,
        keys=(),
        **fields,
    ):
        authenticator = Authenticator(
            route=name,
            credentials=credentials,
            logins=None,
            tokens=self.tokens,
            verifier=self.tokens,
            keys=ApiKeys(keys, Clock()),
            passes_foreign=foreign,
            reading=reading,
            cookies=cookies,
        )
        defaults = {
            "methods": None,
            "hosts": None,
            "allow_encoded": frozenset(),
            "upstream": self.upstream,
            "identity_lines": IdentityLines(NAMES, self.injector),
            "refuse": refusal,
            "owned_headers": frozenset(self.injector.owns),
        }
        return Route(
            name=name,
            pattern=Pattern(path),
            anonymous=AnonymousRules(list(anonymous)),
            authenticator=authenticator,
            **(defaults | fields),
        )


def _names(own_cookies):
    return own_cookies.names if own_cookies is not None else ()
