"""Real workers behind a listening socket, without a supervisor: what Crew and Child are tried with."""

import socket
from contextlib import asynccontextmanager
from time import time

from fakes.assembling import Assembler

from gateway import __version__
from gateway.app.crew import Crew
from gateway.app.handover import Handover, pack
from gateway.app.state import start_state
from gateway.observe.metrics import Metrics


class House:
    """The store that the workers share, their socket, and what they are handed."""

    def __init__(self, assembler, state):
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.sock.setblocking(False)
        self.port = self.sock.getsockname()[1]
        self.assembler = assembler
        self.loaded = self.load()
        self.url = state.embedded.url
        self.metrics = Metrics()
        self.kept = []

    def listen(self):
        """It does already."""

    def load(self, **sections):
        quiet = "{access: ./access.log, audit: ./audit.log, level: error}"
        return self.assembler.load(**{"store": "{url: 'embedded://state', timeout: 10s}", "logs": quiet, **sections})

    def handover(self, number, slot):
        return pack(Handover(__version__, number, slot, self.loaded, self.loaded, None, self.url, 1))

    def crew(self, workers, handover=None):
        crew = Crew(workers, self.sock, handover or self.handover, self.metrics)
        crew.keep = self.kept.append
        return crew


@asynccontextmanager
async def house(directory):
    assembler = Assembler(directory)
    loaded = assembler.load(store="{url: 'embedded://state', timeout: 10s}")
    state = await start_state(loaded, time)
    made = House(assembler, state)
    try:
        yield made
    finally:
        made.sock.close()
        await state.stop()
        assembler.checks.close()
