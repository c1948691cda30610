"""Real stores of more than one server: a master with replicas, Sentinel, Cluster; on TCP, of either make.

All methods block: call them by `asyncio.to_thread` beside a load. Every rig is a context manager and has `url`.
"""

import contextlib
from pathlib import Path

from fakes.ports import free_port
from fakes.redis_nodes import Node, SentinelNode, in_step, in_step_count, until
from redis.exceptions import RedisError

MASTER_NAME = "gate"
_SLOTS = 16384


class Rig:
    """Some nodes that are one store. `nodes` are those that hold data."""

    def __init__(self, kind, directory, *, password="", tls=None):
        self.kind = kind
        self.tls = tls
        self.directory = Path(directory)
        self.password = password
        self.nodes = []

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()

    def _node(self, *options, name=None):
        node = Node(
            self.kind,
            self.directory / (name or f"node{len(self.nodes)}"),
            *options,
            password=self.password,
            tls=self.tls,
        )
        self.nodes.append(node)
        return node

    @property
    def processes(self):
        return list(self.nodes)

    @property
    def _scheme(self):
        return "redis" if self.tls is None else "rediss"

    def stop(self):
        for node in self.processes:
            node.stop()

    def masters(self):
        """The nodes that are masters now by their own account, those that do not answer aside."""
        found = []
        for node in self.nodes:
            with contextlib.suppress(RedisError, OSError):
                if node.running and node.role() == "master":
                    found.append(node)
        return found

    def replicas(self):
        return [node for node in self.nodes if node.running and node not in self.masters()]


class Replicated(Rig):
    """One master whose clients know only its address, with replicas to acknowledge its writes."""

    def __init__(self, kind, directory, *, replicas=1, options=(), **common):
        super().__init__(kind, directory, **common)
        self._replicas = replicas
        self._options = options

    def start(self):
        self.master = self._node(*self._options).start()
        for _ in range(self._replicas):
            self._node(*self._options, "--replicaof", f"127.0.0.1 {self.master.port}").start()
        until(lambda: in_step(self.master, self._replicas), "replication")
        return self

    @property
    def url(self):
        return f"{self._scheme}://{self.master.address}"


class SentinelRig(Rig):
    """One master, replicas and three sentinels that agree on who is the master."""

    def __init__(self, kind, directory, *, replicas=2, sentinels=3, down_after=1000, their_password="", **common):
        super().__init__(kind, directory, **common)
        self._their_password = their_password
        self.sentinels = []
        self._counts = replicas, sentinels
        self._down_after = down_after

    @property
    def url(self):
        return f"{self._scheme}+sentinel://{','.join(one.address for one in self.sentinels)}/{MASTER_NAME}"

    @property
    def processes(self):
        return [*self.sentinels, *self.nodes]

    def start(self):
        replicas, sentinels = self._counts
        master = self._node().start()
        for _ in range(replicas):
            self._node("--replicaof", f"127.0.0.1 {master.port}").start()
        until(lambda: in_step(master, replicas), "replication")
        for number in range(sentinels):
            self.sentinels.append(self._sentinel(number, master).start())
        until(lambda: all(self._sees_all(one) for one in self.sentinels), "the sentinels to know each other")
        return self

    def _sentinel(self, number, master):
        sentinel = SentinelNode(
            self.kind, self.directory / f"sentinel{number}", password=self._their_password, tls=self.tls
        )
        lines = [
            f"sentinel monitor {MASTER_NAME} 127.0.0.1 {master.port} {self._counts[1] // 2 + 1}",
            f"sentinel down-after-milliseconds {MASTER_NAME} {self._down_after}",
            f"sentinel failover-timeout {MASTER_NAME} 3000",
            f"sentinel parallel-syncs {MASTER_NAME} 4",
        ]
        if self._their_password:
            lines.append(f"sentinel sentinel-pass {self._their_password}")
        if self.password:
            lines.append(f"sentinel auth-pass {MASTER_NAME} {self.password}")
        (sentinel.directory / "sentinel.conf").write_text("\n".join(lines) + "\n")
        return sentinel

    def _sees_all(self, sentinel):
        replicas, sentinels = self._counts
        known = sentinel.admin("SENTINEL", "MASTER", MASTER_NAME)
        return int(known["num-slaves"]) == replicas and int(known["num-other-sentinels"]) == sentinels - 1

    def master(self):
        """The node that most sentinels call the master now, once it says so itself, too."""
        return until(self._agreed, "the sentinels to agree")

    def _agreed(self):
        named = {one.admin("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER_NAME)[1] for one in self._answering()}
        found = [node for node in self.nodes if {str(node.port)} == named and node.role() == "master"]
        return found[0] if found else None

    def _answering(self):
        return [one for one in self.sentinels if one.running]

    def failover(self):
        """A failover on demand, with the old master alive. Returns the new one."""
        old = self.master()
        until(self._asked_to_fail_over, "a sentinel that starts the failover")
        return self.moved_from(old)

    def _asked_to_fail_over(self):
        return self._answering()[0].admin("SENTINEL", "FAILOVER", MASTER_NAME)

    def moved_from(self, old):
        """Wait until another node than `old` is the master, and return it."""
        return until(lambda: (found := self._agreed()) is not old and found, "the failover")

    def kill_master(self):
        """Kill the master; the sentinels find out by themselves. Returns the killed node: `moved_from` waits."""
        old = self.master()
        old.kill()
        return old


class ClusterRig(Rig):
    """Masters that share the slots, each with replicas."""

    def __init__(self, kind, directory, *, masters=3, replicas=1, node_timeout=3000, **common):
        super().__init__(kind, directory, **common)
        self._counts = masters, replicas
        self._node_timeout = node_timeout

    @property
    def url(self):
        return f"{self._scheme}+cluster://{','.join(node.address for node in self.nodes[:2])}"

    def start(self):
        masters, replicas = self._counts
        for _ in range(masters * (1 + replicas)):
            node = self._node("--cluster-enabled", "yes", "--cluster-node-timeout", str(self._node_timeout))
            node.options += ["--cluster-replica-validity-factor", "0", "--cluster-port", str(free_port())]
            node.start()
        for number, node in enumerate(self.nodes):
            node.admin("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            node.admin("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port, self.nodes[0].options[-1])
        for number, node in enumerate(self.nodes[:masters]):
            first, last = number * _SLOTS // masters, (number + 1) * _SLOTS // masters - 1
            node.admin("CLUSTER", "ADDSLOTSRANGE", first, last)
        until(lambda: all(self._knows_all(node) for node in self.nodes), "the nodes to know each other")
        for number, node in enumerate(self.nodes[masters:]):
            node.admin("CLUSTER", "REPLICATE", self.nodes[number % masters].admin("CLUSTER", "MYID"))
        until(self.healthy, "the cluster to be whole")
        return self

    def _knows_all(self, node):
        return len(node.admin("CLUSTER", "NODES").splitlines()) == len(self.nodes)

    def healthy(self):
        """Whether every running node sees a whole cluster, and every master has its replicas in step."""
        running = [node for node in self.nodes if node.running]
        masters = [node for node in running if node.role() == "master" and self.slots_of(node)]
        spare = len(running) - len(masters)
        return (
            all("cluster_state:ok" in node.admin("CLUSTER", "INFO") for node in running)
            and len(masters) == self._counts[0]
            and spare == sum(map(in_step_count, masters))
        )

    def slots_of(self, node):
        """The ranges of slots that a node says it serves."""
        lines = node.admin("CLUSTER", "NODES").splitlines()
        words = next(words for line in lines if "myself" in (words := line.split())[2])
        return [[int(end) for end in part.split("-")] for part in words[8:] if not part.startswith("[")]

    def master_of(self, key):
        """The node that serves a key now."""
        slot = int(next(node for node in self.nodes if node.running).admin("CLUSTER", "KEYSLOT", key))
        return next(node for node in self.masters() if any(part[0] <= slot <= part[-1] for part in self.slots_of(node)))

    def replicas_of(self, master):
        """All replicas of a master that is running."""
        return [node for node in self.replicas() if node.admin("ROLE")[2] == master.port]

    def failover(self, master):
        """A failover on demand, with the old master alive. Returns the new one."""
        heir = self.replicas_of(master)[0]
        for _ in range(8):  # the servers give up by themselves after five seconds
            with contextlib.suppress(AssertionError, RedisError):
                heir.admin("CLUSTER", "FAILOVER")
                until(lambda: heir.role() == "master" and self.slots_of(heir), "the failover", seconds=8)
                return heir
        raise AssertionError("the replica never took over")

    def kill_master(self, master):
        """Kill a master; one of its replicas takes over by itself. Returns the replicas: `took_over` waits."""
        heirs = self.replicas_of(master)
        master.kill()
        return heirs

    def took_over(self, heirs):
        """Wait until one of them serves slots and all that run agree that the cluster is whole; returns that one."""

        def new_master():
            serving = [node for node in heirs if node.role() == "master" and self.slots_of(node)]
            return serving[0] if serving and self.healthy() else None

        return until(new_master, "the failover")
