"""Dialect `idempiere`: the login of the iDempiere REST API, as its own clients know it."""
