"""Who checks a username and password; one file per kind and one line here."""

from typing import Final

from gateway.identity_providers.users import Users

PROVIDERS: Final = {"users": Users}
"""Value of `identity_providers.<name>.type` to the class that implements it."""
