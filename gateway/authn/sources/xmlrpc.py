"""Credential source: the password or API key in the body of Odoo's `/xmlrpc/2/common` and `/xmlrpc/2/object`."""

from xml.parsers.expat import ExpatError
from xmlrpc.client import Error, Unmarshaller

from defusedxml.xmlrpc import DefusedExpatParser

from gateway.authn.sources.rpc import RpcCall, check_parts, rpc_call
from gateway.errors import MalformedBody


class XmlRpc:
    """Read as Odoo reads it, by xmlrpc.client's own unmarshaller, but without DTDs and entities (CWE-776, CWE-611)."""

    method = "xmlrpc"
    paths = frozenset({b"/xmlrpc/common", b"/xmlrpc/object", b"/xmlrpc/2/common", b"/xmlrpc/2/object"})
    """With and without the 2: they differ in how faults are spelled. Odoo's own odoo-client-lib uses the old ones."""

    def read(self, path: bytes, body: bytes) -> RpcCall:
        """See BodySource. The service is the path's last part."""
        check_parts(body, (b"<",))
        unmarshaller = Unmarshaller()
        try:
            parser = DefusedExpatParser(unmarshaller, forbid_dtd=True)
            # Else each line break and each `&lt;` of a text is a call and an object of its own.
            vars(parser)["_parser"].buffer_text = True
            parser.feed(body)
            parser.close()
            args = unmarshaller.close()
        # What the unmarshaller raises for a document of another shape is whatever its steps happen to raise.
        except (Error, ExpatError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError):
            raise MalformedBody("not an XML-RPC call") from None
        return rpc_call(path.rpartition(b"/")[2].decode(), unmarshaller.getmethodname(), args)
