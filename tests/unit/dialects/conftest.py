from fakes.token_fixtures import checks, clock, rig, rig_with, store, valkey_url

__all__ = ["checks", "clock", "rig", "rig_with", "store", "valkey_url"]
