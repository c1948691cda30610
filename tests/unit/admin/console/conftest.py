from fakes.admin import admin, listen
from fakes.console import browse, operator, visitor

__all__ = ["admin", "browse", "listen", "operator", "visitor"]
