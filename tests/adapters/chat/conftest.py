"""A chat service on loopback that answers as it is told and keeps what it was sent."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from core.adapters.secrets import EnvSecrets

CANARY = "7203941:CANARY-0cd1f6a9e2b84"


class Service(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answering)
        self.answers, self.asked = [], []
        self.stalled = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def will_say(self, status, body=None, **headers):
        self.answers.append((status, json.dumps(body or {}).encode(), headers))


class Answering(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(SimpleNamespace(path=self.path, body=body, kind=self.headers["Content-Type"]))
        status, answer, headers = self.server.answers.pop(0) if self.server.answers else (200, b'{"ok":true}', {})
        if status == "stall":
            self.server.stalled.wait(5)
            return
        self.send_response(status)
        for name, value in {"Content-Length": str(len(answer)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(answer)
        self.close_connection = "Connection" in headers

    def log_message(self, *args):
        pass


@pytest.fixture
def service():
    server = Service()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.stalled.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def canary():
    return CANARY


@pytest.fixture
def secrets(service):
    return EnvSecrets(
        {
            "HOGA_SECRET_TELEGRAM_TOKEN": CANARY,
            "HOGA_SECRET_DISCORD_WEBHOOK": f"{service.url}/api/webhooks/99/{CANARY}",
        }
    )
