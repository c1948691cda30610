"""A scripted redis-py pool: what a server would answer, without one."""

from hiredis import Reader


class ScriptedConnection:
    def __init__(self, pool):
        self._pool = pool
        self.open = True

    async def send_packed_command(self, packed):
        reader = Reader(errors="surrogateescape", encoding="utf-8")
        reader.feed(packed)
        while command := reader.gets():
            self._pool.sent.append(tuple(command))

    async def read_response(self):
        answer = self._pool.answers.pop(0)
        if callable(answer):
            answer = await answer()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def disconnect(self, *, nowait):
        assert nowait, "waiting here could be cancelled half-way"
        self.open = False


class ScriptedPool:
    """`answers` in order: values, exceptions, or coroutine functions that give one."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []
        self.lent = 0
        self.connections = []
        self.closed = False

    async def get_connection(self):
        self.lent += 1
        self.connections.append(ScriptedConnection(self))
        return self.connections[-1]

    async def release(self, connection):
        assert connection in self.connections
        self.lent -= 1

    async def aclose(self):
        self.closed = True
