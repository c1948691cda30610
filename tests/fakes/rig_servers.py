"""A Sentinel set or a Cluster in place of a single server, for tests that do not ask which; as the least of users."""

import re
from pathlib import Path

from fakes.redis_rigs import MASTER_NAME, ClusterRig, SentinelRig
from redis import Redis

from gateway.config.secret import Secret
from gateway.config.store import StoreConfig
from gateway.state.connect import open_store
from gateway.state.slots import slot_of_key

ROOT = Path(__file__).resolve().parents[2]
_FOR_ALL = {"FLUSHALL", "KEYS", "SCRIPT", "CONFIG", "CLIENT", "ACL"}
_KEYLESS = {"TIME", "PUBLISH", "PING"}
USER, PASSWORD = "gateway", "s3cret of the least user"


def documented_user(prefix="gw:"):
    """The rule of docs/redis.md for ACL SETUSER, with our password in it."""
    manual = (ROOT / "docs" / "redis.md").read_text()
    rule = re.search(r"^user gateway (on .*)\n```", manual, re.MULTILINE)[1]
    words = rule.replace("gw:", prefix).split()
    return [f">{PASSWORD}" if word.startswith(">") else word for word in words]


class RigServer:
    """What StoreServer offers, of several servers: `admin` asks all masters, or the one that has the key."""

    def __init__(self, rig):
        self.rig = rig
        self.kind = rig.kind

    def start(self):
        self.rig.start()
        for node in self.rig.nodes:
            node.admin("ACL", "SETUSER", USER, *documented_user())
        self._masters = self._find_masters()
        self._be_patient()
        return self

    def _be_patient(self):
        """A busy machine is no outage."""
        if isinstance(self.rig, ClusterRig):
            self.admin("CONFIG", "SET", "cluster-node-timeout", 600_000)
        else:
            for sentinel in self.rig.sentinels:
                sentinel.admin("SENTINEL", "SET", MASTER_NAME, "down-after-milliseconds", 600_000)

    def stop(self):
        self.rig.stop()

    @property
    def masters(self):
        return len(self._masters)

    @property
    def url(self):
        return self.rig.url

    def admin(self, *command):
        """Run one command; answers of several masters are joined."""
        if command[0] in _FOR_ALL:
            answers = [_ask(node, command) for node, _ in self._masters]
            if isinstance(answers[0], list):
                return [one for answer in answers for one in answer]
            return b"".join(answers) if isinstance(answers[0], bytes) else answers[0]
        if command[0] in _KEYLESS:
            return _ask(self._masters[0][0], command)
        slot = slot_of_key(command[2] if command[0] == "MEMORY" else command[1])
        return _ask(next(node for node, slots in self._masters if slot in slots), command)

    def connect(self, clock, *, timeout=5.0, prefix="gw:"):
        config = StoreConfig(url=self.url, username=USER, password=Secret(PASSWORD), key_prefix=prefix, timeout=timeout)
        return open_store(config, clock=clock)

    def _find_masters(self):
        if isinstance(self.rig, ClusterRig):
            return [
                (node, {slot for part in self.rig.slots_of(node) for slot in range(part[0], part[-1] + 1)})
                for node in self.rig.masters()
            ]
        return [(self.rig.master(), range(16384))]


def _ask(node, command):
    with Redis(host="127.0.0.1", port=node.port, socket_timeout=10) as client:
        return client.execute_command(*command)


def sentinel_server(kind, directory):
    return RigServer(SentinelRig(kind, directory, replicas=1))


def cluster_server(kind, directory):
    return RigServer(ClusterRig(kind, directory, replicas=0))
