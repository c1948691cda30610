"""Config -> Rules: the only reader of the registries. What depends on configuration alone is computed here."""

from gateway.assembly.assemble import Assembled, assemble
from gateway.assembly.shared import Shared

__all__ = ["Assembled", "Shared", "assemble"]
