"""How each ERP spells login, refresh, logout and errors on the wire; one file per dialect and one line here."""

from collections.abc import Mapping
from typing import Final

from gateway.dialects import odoo_rpc, odoo_xmlrpc
from gateway.dialects.contract import DialectClass
from gateway.dialects.idempiere.dialect import Idempiere
from gateway.dialects.itempath import ItemPath
from gateway.dialects.jdx import Jdx
from gateway.dialects.jmix.dialect import Jmix
from gateway.dialects.native import Native
from gateway.dialects.oauth2 import OAuth2
from gateway.dialects.odoo import Odoo

# The two RPC modules spell answers on routes whose credential stands in the body of a call.
__all__ = ["DIALECTS", "odoo_rpc", "odoo_xmlrpc"]

DIALECTS: Final[Mapping[str, DialectClass]] = {
    "native": Native,
    "oauth2": OAuth2,
    "idempiere": Idempiere,
    "odoo": Odoo,
    "jdx": Jdx,
    "itempath": ItemPath,
    "jmix": Jmix,
}
"""Value of `logins.<name>.dialect` to the class that implements it."""
