"""Dialect `jmix`: OAuth2 as Jmix speaks it, `/oauth` of version 1 and `/oauth2` of versions 2 and 3."""
