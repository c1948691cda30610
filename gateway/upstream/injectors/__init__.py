"""How an upstream request gets the credential that the ERP expects. A new way is one file and one line here."""

from typing import Any

from gateway.upstream.injectors.base import Injector, InjectorTools
from gateway.upstream.injectors.erp_session import ErpSessionInjector
from gateway.upstream.injectors.fixed import BasicCredential, BearerCredential, HeaderCredential, NoCredential

__all__ = ["INJECTORS", "Injector", "InjectorTools"]

INJECTORS: dict[str, Any] = {
    "none": NoCredential,
    "basic": BasicCredential,
    "bearer": BearerCredential,
    "header": HeaderCredential,
    "erp_session": ErpSessionInjector,
}
"""By the name that an upstream's `injector` uses; each takes an instance of its own `Options` (hence Any) and tools."""
