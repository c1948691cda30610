"""Who checks a username and password; one file per kind and one line here."""

from typing import Any, Final

from gateway.identity_providers.idempiere import Idempiere
from gateway.identity_providers.itempath import ItemPath
from gateway.identity_providers.jmix import Jmix
from gateway.identity_providers.odoo import Odoo
from gateway.identity_providers.tryton import Tryton
from gateway.identity_providers.users import Users

PROVIDERS: Final[dict[str, Any]] = {
    "users": Users,
    "odoo": Odoo,
    "idempiere": Idempiere,
    "itempath": ItemPath,
    "jmix": Jmix,
    "tryton": Tryton,
}
"""Value of `identity_providers.<name>.type` to the class that implements it; each has its own `Options` (hence Any)."""
