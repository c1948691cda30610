from gateway.authn.sources import BODY_SOURCES
from gateway.model import Reply
from gateway.proxy.rpc_surface import RpcSurface


def test_a_surface_is_one_protocol_and_who_checks_it():
    surface = RpcSurface(BODY_SOURCES["xmlrpc"], None, lambda _: Reply(200))

    assert surface.source.method == "xmlrpc"
    assert surface.deny(None).status == 200
