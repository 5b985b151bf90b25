"""Where secrets come from; that they never show is proven in tests/adapters/chat/test_canary.py."""

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from core.adapters.secrets import KEPT_S, EnvSecrets, SsmSecrets
from core.domain.errors import Misconfigured, Transient


@pytest.fixture
def ssm(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("ssm", region_name="ap-northeast-2")
        client.put_parameter(Name="/hoga/dev/telegram_token", Value="first", Type="SecureString")
        yield client


def test_a_secret_is_read_when_first_asked_for_and_again_after_five_minutes(ssm):
    at = [0.0]
    secrets = SsmSecrets("/hoga/dev/", ssm, lambda: at[0])
    assert secrets.get("telegram_token").reveal() == "first"
    ssm.put_parameter(Name="/hoga/dev/telegram_token", Value="second", Type="SecureString", Overwrite=True)
    at[0] = KEPT_S - 1
    assert secrets.get("telegram_token").reveal() == "first"
    at[0] = KEPT_S
    assert secrets.get("telegram_token").reveal() == "second"


def test_a_missing_secret_names_its_parameter(ssm):
    with pytest.raises(Misconfigured, match="parameter=/hoga/dev/discord_webhook"):
        SsmSecrets("/hoga/dev", ssm, lambda: 0.0).get("discord_webhook")


class Failing:
    def __init__(self, fault):
        self.fault = fault

    def get_parameter(self, **request):
        raise self.fault


@pytest.mark.parametrize(
    "fault",
    [
        ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow"}}, "GetParameter"),
        EndpointConnectionError(endpoint_url="https://ssm.example"),
    ],
)
def test_a_store_that_does_not_answer_is_transient(fault):
    with pytest.raises(Transient, match="does not answer"):
        SsmSecrets("/hoga/dev", Failing(fault), lambda: 0.0).get("x")


def test_a_local_run_reads_its_secrets_from_the_environment_it_is_given():
    secrets = EnvSecrets({"HOGA_SECRET_TELEGRAM_TOKEN": "t", "HOGA_SECRET_EMPTY": ""})
    assert secrets.get("telegram_token").reveal() == "t"
    for name in ("discord_webhook", "empty"):
        with pytest.raises(Misconfigured, match=f"HOGA_SECRET_{name.upper()}"):
            secrets.get(name)
