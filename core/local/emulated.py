"""One built function in Lambda's runtime emulator, without Docker (`make invoke FUNCTION=batch_scan`).

The package is the one that is uploaded, only with this machine's libraries: same files, same trimming, bytecode.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import requests

from core.domain.errors import CoreError, Refused, Transient
from core.local import apart, package, register, template
from core.local.artefacts import PACKAGES
from core.local.cloud import Cloud
from core.local.libraries import IN_RUNTIME, compile_all, install, trim
from core.local.processes import LOOPBACK, free_port
from core.local.stack import NOBODY, Stack

LIST = "functions/requirements-emulator.txt"
PATIENCE_S = 30.0
KEPT_S = 24 * 3600.0
"""Code of other sources or settings may still run in another process; after a day it does not."""


class Laid(NamedTuple):
    """Where a function's code and its libraries are."""

    code: Path
    libraries: Path


def laid_out(folder: str, settings: Path, root: Path = template.ROOT) -> Laid:
    """The package of that folder of the template, for this machine: libraries are installed once, and code is laid out
    once for each state of sources and settings, so that nobody's is taken from under them.
    """
    libraries = root / ".build" / "host" / Path(folder).name
    lists = [root / name for name in (*PACKAGES[folder].lists, LIST)]
    recipe = [*(path.read_bytes() for path in lists), repr(PACKAGES[folder].without).encode()]
    with apart.made_once(libraries, b"".join(recipe)) as missing:
        if missing:
            shutil.rmtree(libraries, ignore_errors=True)
            install(libraries, lists, None)
            trim(libraries, [name for name in PACKAGES[folder].without if name not in IN_RUNTIME])
            compile_all(libraries, sys.executable)
    given = [path.read_bytes() for path in _given_files(settings, root)]
    digest = sha256(b"\0".join(given)).hexdigest()[:16]
    code = libraries.with_name("code") / f"{libraries.name}-{digest}"
    with apart.made_once(code, digest.encode()) as missing:
        if missing:
            package.without_text(package.build(code, settings, root=root))
            _forget(code.parent, time.time() - KEPT_S)
    return Laid(code, libraries)


def _given_files(settings: Path, root: Path) -> Iterator[Path]:
    yield settings
    yield from (settings.parent / name for name in package.symbol_lists(settings))
    yield from (root / path for path in package.sources(root))


def _forget(folder: Path, before: float) -> None:
    for old in folder.iterdir():
        if old.is_dir() and old.stat().st_mtime < before:
            shutil.rmtree(old, ignore_errors=True)


@contextmanager
def running(name: str, env: Mapping[str, str], settings: Path, root: Path = template.ROOT) -> Iterator[str]:
    """The function behind the emulator; yields the address that takes its events. Raises Refused: no such function."""
    with behind(name, packaged(name, settings, root), env, root) as address:
        yield address


def packaged(name: str, settings: Path, root: Path = template.ROOT) -> Laid:
    """The function's code as its sources are now."""
    shared = template.load()["Globals"]["Function"]
    return laid_out(_function(name).get("CodeUri", shared["CodeUri"]), settings, root)


@contextmanager
def behind(name: str, laid: Laid, env: Mapping[str, str], root: Path = template.ROOT) -> Iterator[str]:
    """The function out of folders that were built before."""
    properties = _function(name)
    with started(laid, properties["Handler"], env, properties, root) as address:
        yield address


@contextmanager
def started(
    laid: Laid, handler: str, env: Mapping[str, str], properties: Mapping[str, Any], root: Path = template.ROOT
) -> Iterator[str]:
    """Any handler out of these folders, behind the emulator."""
    port, inner = free_port(), free_port()
    own = {
        **NOBODY,
        **env,
        "PYTHONPATH": f"{laid.code}:{laid.libraries}",
        "AWS_LAMBDA_FUNCTION_NAME": handler.split(".")[1] if "." in handler else handler,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(properties.get("Timeout", 20)),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(properties.get("MemorySize", 256)),
    }
    command = [str(apart.emulator(root)), "--log-level", "error"]
    command += [
        "--runtime-interface-emulator-address",
        f"{LOOPBACK}:{port}",
        "--runtime-api-address",
        f"{LOOPBACK}:{inner}",
    ]
    command += [sys.executable, "-m", "awslambdaric", handler]
    child = subprocess.Popen(
        command, cwd=laid.code, env=own, stdout=sys.stderr, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        yield f"http://{LOOPBACK}:{port}/2015-03-31/functions/function/invocations"
    finally:
        child.terminate()  # it ends its runtime itself, which would else complain of a lost master
        try:
            child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def call(address: str, event: Mapping[str, Any], patience_s: float = PATIENCE_S) -> Any:
    """One event, one answer; waits for the emulator to listen. Raises Refused with the function's own error."""
    deadline = time.monotonic() + patience_s
    with requests.Session() as session:
        session.trust_env = False
        while True:
            try:
                answer = session.post(address, data=json.dumps(event), timeout=310)
                break
            except requests.ConnectionError as absent:
                if time.monotonic() > deadline:
                    raise Transient("the emulator does not start", address=address) from absent
                time.sleep(0.005)
    found = answer.json() if answer.content else None
    if isinstance(found, dict) and "errorType" in found:
        raise Refused("the function failed", error=f"{found['errorType']}: {found.get('errorMessage', '')}")
    return found


def environment(name: str, cloud: Cloud) -> dict[str, str]:
    """What the template gives this function, with what it refers to in that cloud."""
    source, handler = template.load(), _function(name)["Handler"]
    (function,) = (each for each, body in template.functions(source).items() if body["Handler"] == handler)
    return {**template.environment(function, source, cloud.outputs, cloud.stage), **cloud.environment()}


def _function(name: str) -> dict[str, Any]:
    handlers = {body["Handler"].split(".")[1]: body for body in template.functions(template.load()).values()}
    if name not in handlers:
        raise Refused("there is no such function", function=name or "(none)", known=", ".join(sorted(handlers)))
    return handlers[name]


def main(arguments: list[str]) -> int:
    """`python -m core.local.emulated FUNCTION [EVENT]`: one call against the system that runs here, or a bare AWS."""
    name, *rest = arguments or [""]
    try:
        _function(name)
        path = Path(rest[0]) if rest and rest[0] else template.ROOT / "tests" / "events" / f"{name}.json"
        event = _event(path)
        found = register.found(Path.cwd() / register.FOLDER)
        if found:
            answer = _asked(name, event, found[0].cloud())
        else:
            log = template.ROOT / ".build" / "invoke" / "aws.log"
            log.parent.mkdir(parents=True, exist_ok=True)
            sys.stderr.write(
                "nothing runs here (`hoga run --feed sim`): an AWS of its own, and the venue of settings.yaml\n"
            )
            with Stack.start(template.ROOT / "settings.yaml", log=log) as stack:
                answer = _asked(name, event, stack)
    except CoreError as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return 0


def _asked(name: str, event: Any, cloud: Cloud) -> Any:
    with running(name, environment(name, cloud), cloud.settings) as address:
        return call(address, event)


def _event(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as absent:
        raise Refused("there is no such event", file=path) from absent
    except json.JSONDecodeError as fault:
        raise Refused("the event is no JSON", file=path, why=fault) from fault


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
