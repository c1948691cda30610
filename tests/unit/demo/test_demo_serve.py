import signal
import subprocess
import sys

import pytest
from fakes.plain_client import PlainClient
from fakes.ports import free_port

from gateway.demo.serve import main


def test_it_serves_until_it_is_told_to_end():
    port = free_port()
    command = [sys.executable, "-m", "gateway.demo.serve", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == f"the demo ERP listens on http://127.0.0.1:{port}\n"
            assert PlainClient(port).get("/public/ping").json == {"ping": "pong"}
        finally:
            process.send_signal(signal.SIGTERM)

        assert process.wait(60) == 0


@pytest.mark.parametrize("words", [["nowhere"], ["127.0.0.1:1", "127.0.0.1:2"]])
def test_what_is_no_address_is_wrong_usage(words):
    with pytest.raises(SystemExit, match="usage: "):
        main(words)
