"""D5, D6: lines under TLS, and whom they believe, which the process reads once."""

import contextlib
import ssl
from datetime import UTC, datetime, timedelta

import pytest
import websockets
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import serve

from core.domain.errors import Transient
from streamer.transport import answers, transport, trust
from tests.streamer.conftest import until
from tests.streamer.test_transport import KeepingEar, echo


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """A file with the key and the certificate of a venue that answers at localhost."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = tmp_path_factory.mktemp("tls") / "venue.pem"
    file.write_bytes(key.private_bytes(*plain) + signed.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def anew():
    """Forget whom the process believes, before and after."""
    trust.cache_clear()
    yield
    trust.cache_clear()


@contextlib.asynccontextmanager
async def venue(paper):
    proof = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    proof.load_cert_chain(paper)
    async with serve(echo, "localhost", 0, ssl=proof, close_timeout=0.2) as server:
        yield f"wss://localhost:{server.sockets[0].getsockname()[1]}/"


async def test_every_line_believes_the_same_which_was_read_once(kind, paper, anew, monkeypatch):
    made, make = [], ssl.create_default_context
    monkeypatch.setenv("SSL_CERT_FILE", str(paper))
    monkeypatch.setattr(ssl, "create_default_context", lambda *told, **named: made.append(1) or make(*told, **named))
    async with venue(paper) as url:
        for _ in range(2):
            ear = KeepingEar()
            line = await transport(kind)(url, ear)
            line.send(b"hello", text=True)
            await until(lambda ear=ear: ear.bodies == [b"hello"])
            await line.close(1001)
        assert await answers(url, 5.0)
    assert made == [1]


async def test_a_venue_that_nobody_vouches_for_is_not_spoken_to(kind, paper, anew):
    async with venue(paper) as url:
        with pytest.raises(Transient, match="cannot be opened"):
            await transport(kind)(url, KeepingEar())
        with pytest.raises(ssl.SSLError):
            await websockets.connect(url)
        assert not await answers(url, 5.0)
