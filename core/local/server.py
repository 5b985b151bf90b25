"""The embedded AWS (ministack) as a child process on a free port of the loopback."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from secrets import token_hex

import requests

from core.domain.errors import Transient
from core.local.cloud import REGION
from core.local.processes import LOOPBACK, Child, Children, free_port

PATIENCE_S = 60.0
TRIES = 5


def serve(children: Children, env: dict[str, str], log: Path, folder: Path, *, auth: bool) -> tuple[Child, str]:
    """Start the server; a port lost to someone else between choosing and binding is chosen again."""
    for _ in range(TRIES):
        port, mark = free_port(), token_hex(8)
        own = {
            "BIND_HOST": LOOPBACK,
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_PORT": "0",
            "MINISTACK_REGION": REGION,
            "MINISTACK_EDITION": mark,
            "LOG_LEVEL": "WARNING",
            "AUTH": str(auth).lower(),
            "TMPDIR": str(folder),
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        server = children.start("aws", [sys.executable, "-m", "ministack"], {**env, **own}, log, cwd=folder)
        endpoint = f"http://{LOOPBACK}:{port}"
        if _healthy(server, endpoint, mark):
            return server, endpoint
        children.stop(server)
    raise Transient("the embedded AWS does not start", log=log, last=server.tail())


def _healthy(server: Child, endpoint: str, mark: str) -> bool:
    """Whether it is our server that answers, before it died or the patience ran out."""
    deadline = time.monotonic() + PATIENCE_S
    with requests.Session() as session:
        session.trust_env = False
        while server.running and time.monotonic() < deadline:
            try:
                reply = session.get(f"{endpoint}/_ministack/health", timeout=2)
            except requests.RequestException:
                time.sleep(0.02)
                continue
            return bool(reply.ok and reply.json()["edition"] == mark)
    return False
