"""Where AWS is and who asks, as the environment says it."""

from collections.abc import Mapping

ACCESS = {
    "endpoint_url": ("AWS_ENDPOINT_URL",),
    "region_name": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "aws_access_key_id": ("AWS_ACCESS_KEY_ID",),
    "aws_secret_access_key": ("AWS_SECRET_ACCESS_KEY",),
    "aws_session_token": ("AWS_SESSION_TOKEN",),
}
"""boto3's own arguments by the variables that give them: a command may look at another cloud than its process's own."""


def access(env: Mapping[str, str]) -> dict[str, str]:
    """What the environment says of where AWS is; what it leaves out is boto3's to find.

    >>> access({"AWS_DEFAULT_REGION": "ap-northeast-2", "HOGA_STAGE": "dev"})
    {'region_name': 'ap-northeast-2'}
    """
    given = {name: next((env[key] for key in keys if env.get(key)), "") for name, keys in ACCESS.items()}
    return {name: value for name, value in given.items() if value}
