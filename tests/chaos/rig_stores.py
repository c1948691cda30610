"""The kinds of store that a run has: one Redis with its file; Sentinel and Cluster with one replica for each master.

One, because `min_replicas: 1` then means all: while Sentinel fails over on demand, the old master goes on for seconds,
and a second replica would acknowledge for it what the new master never gets.
"""

from fakes.redis_rigs import ClusterRig, Replicated, SentinelRig

STORES = {
    "redis": lambda directory: Replicated("redis", directory, replicas=0, options=("--appendonly", "yes")),
    "sentinel": lambda directory: SentinelRig("redis", directory, replicas=1),
    "cluster": lambda directory: ClusterRig("redis", directory),
}


def min_replicas(store):
    """One, wherever there is a replica that can acknowledge."""
    return 0 if isinstance(store, Replicated) else 1
