"""A scripted store: what its server would answer, without one."""

from gateway.state.link import Refusal


class ScriptedTopology:
    """`answers` in order: values, Refusals, coroutine functions that give one, or other exceptions, which end the call."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []
        self.rounds = 0
        self.closed = False

    async def ask(self, commands):
        self.rounds += 1
        self.sent += [tuple(_as_sent(word) for word in command) for command in commands]
        return [await self._answer() for _ in commands]

    async def ask_durably(self, commands, replicas, seconds):
        return await self.ask(commands), replicas

    async def _answer(self):
        answer = self.answers.pop(0)
        if callable(answer):
            answer = await answer()
        if isinstance(answer, Exception) and not isinstance(answer, Refusal):
            raise answer
        return answer

    def close(self):
        self.closed = True


def _as_sent(word):
    return word.decode(errors="surrogateescape") if isinstance(word, bytes) else str(word)
