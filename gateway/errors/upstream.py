"""What the gateway itself needs is away, late or broken."""

from gateway.errors.base import GatewayError


class UpstreamFault(GatewayError):
    """The upstream refused the connection, broke it, or did not answer HTTP."""

    status = 502
    code = "bad_gateway"
    public = "The service behind the gateway could not be reached."


class Unavailable(GatewayError):
    """Something the gateway needs is away for now."""

    status = 503
    code = "temporarily_unavailable"
    public = "The service is temporarily unavailable; try again shortly."
    retry_after = 1


class StoreUnavailable(Unavailable):
    """The token store did not answer in time. Never a 401: the credential may well be good."""


class UpstreamsDown(Unavailable):
    """No server of this upstream is up."""


class ErpDown(Unavailable):
    """The ERP that an identity provider asks refused, broke the connection, or answered 5xx."""

    public = "The ERP behind the gateway is not available; try again shortly."
    retry_after = 2


class ErpNonsense(ErpDown):
    """The ERP that an identity provider asks answered what is no answer to the question."""

    public = "The ERP behind the gateway gave an answer that makes no sense; try again shortly."


class ErpSlow(ErpDown):
    """The ERP that an identity provider asks did not answer in time."""

    status = 504
    public = "The ERP behind the gateway did not answer in time; try again shortly."


class UpstreamTimeout(GatewayError):
    """The upstream was late with its connection or its answer's head."""

    status = 504
    code = "gateway_timeout"
    public = "The service behind the gateway did not answer in time."
