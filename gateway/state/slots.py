"""Which slot of a Cluster a command belongs to, and what a Cluster says about its slots."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis.crc import key_slot

from gateway.state.link import Command

SLOTS: Final = 16384
_KEYLESS: Final = frozenset({"PING", "TIME", "PUBLISH", "SCRIPT", "CLUSTER"})

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class SlotMap:
    """Who serves which slots, as one node sees it. Equal where nodes agree."""

    ranges: tuple[tuple[int, int, Address], ...]
    replicas: frozenset[Address]

    def owners(self) -> Iterator[Address]:
        """For each slot in turn, who serves it; raises KeyError where nobody does."""
        by_slot = {slot: address for first, last, address in self.ranges for slot in range(first, last + 1)}
        return (by_slot[slot] for slot in range(SLOTS))

    @property
    def masters(self) -> frozenset[Address]:
        """All who serve slots."""
        return frozenset(address for _, _, address in self.ranges)


def slot_of(command: Command) -> int | None:
    """The slot of a command's first key: all its keys share it. None for a command without keys."""
    name = command[0]
    if name in _KEYLESS or (name == "EVALSHA" and not command[2]):
        return None
    return slot_of_key(command[3 if name == "EVALSHA" else 1])


def slot_of_key(key: str | bytes | int) -> int:
    """What stands in the key's first braces decides, if anything does."""
    return key_slot(key if isinstance(key, bytes) else str(key).encode())


def read_slots(answer: Any, asked: str) -> SlotMap:
    """Read CLUSTER SLOTS as `asked` answered it; a node that does not know its own name means itself.

    Raises ValueError for an answer that is none.
    """
    try:
        ranges = sorted((int(row[0]), int(row[1]), _address(row[2], asked)) for row in answer)
        replicas = frozenset(_address(one, asked) for row in answer for one in row[3:])
    except (TypeError, IndexError, AttributeError) as error:
        raise ValueError("not an answer to CLUSTER SLOTS") from error
    return SlotMap(tuple(ranges), replicas)


def read_redirection(words: Sequence[str], asked: str) -> Address:
    """The address in `MOVED 3999 127.0.0.1:6381`. Raises ValueError."""
    host, _, port = words[2].rpartition(":")
    return host.strip("[]") or asked, int(port)


def _address(node: Any, asked: str) -> Address:
    host = (node[0] or b"").decode()
    return host if host not in {"", "?"} else asked, int(node[1])
