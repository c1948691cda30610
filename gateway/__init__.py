"""A reverse-proxy authentication gateway in front of ERP APIs."""

__version__ = "0.1.0"
