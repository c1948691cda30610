from fakes.admin import admin, listen

__all__ = ["admin", "listen"]
