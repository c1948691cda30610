"""For all tests: what they ask on this machine is asked directly, whatever proxy the environment names for the rest."""

import os

from hypothesis import settings

os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost,::1"

# How long an example takes says something of the machine, and nothing of what is tested.
settings.register_profile("gateway", deadline=None)
settings.load_profile("gateway")
