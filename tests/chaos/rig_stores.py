"""The kinds of store that a run has: one Redis with its file, Sentinel with two replicas, Cluster with one for each."""

from fakes.redis_rigs import ClusterRig, Replicated, SentinelRig

STORES = {
    "redis": lambda directory: Replicated("redis", directory, replicas=0, options=("--appendonly", "yes")),
    "sentinel": lambda directory: SentinelRig("redis", directory),
    "cluster": lambda directory: ClusterRig("redis", directory),
}


def min_replicas(store):
    """One, wherever there is a replica that can acknowledge."""
    return 0 if isinstance(store, Replicated) else 1
