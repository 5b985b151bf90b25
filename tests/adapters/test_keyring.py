"""App keys: secrets by name only, one token for all who hold the key, approval keys the same way (E12)."""

import msgspec
import pytest

from core.adapters.keyring import account_rest, fingerprint, ring
from core.adapters.memory.budget import MemoryBudget
from core.adapters.memory.tokens import MemoryVault
from core.adapters.secrets import EnvSecrets
from core.domain.errors import Misconfigured, RateLimited
from core.domain.policies import AccountPolicy, Environment, KeyPolicy, MarketPolicy, RestPolicy, StreamPolicy
from core.domain.values import DAY, HOUR, MINUTE, Market, Millis
from core.venues.flow import Request, Response
from core.venues.kis.figures import day, stamp
from core.venues.kis.rest import REST
from core.venues.spec import venue

START = stamp("20261120", "090000")
ENV = {
    "HOGA_SECRET_KIS_APP_KEY": "key-canary", "HOGA_SECRET_KIS_APP_SECRET": "secret-canary",
    "HOGA_SECRET_KIS_MOCK_APP_KEY": "mock-key", "HOGA_SECRET_KIS_MOCK_APP_SECRET": "mock-secret",
}  # fmt: skip
POLICY = MarketPolicy(
    rest=RestPolicy(url="http://real.test", limits={"rest": 15.0}),
    stream=StreamPolicy(url="ws://real.test"),
    keys=(KeyPolicy(),),
    account=AccountPolicy(url="http://mock.test"),
)


class Kis:
    """The token desk: which url was asked for what, and how often."""

    def __init__(self):
        self.asked, self.refusing, self.at = [], False, START

    def answer(self, url, request):
        body = msgspec.json.decode(request.body)
        self.asked.append((url, request.path, body["appkey"]))
        if self.refusing:
            return Response(403, b'{"error_code":"EGW00133","error_description":"x"}')
        number = len(self.asked)
        if request.path == "/oauth2/Approval":
            return Response(200, msgspec.json.encode({"approval_key": f"approval-{number}"}))
        ends = f"{day(Millis(self.at + DAY))} 09:00:00"
        return Response(
            200, msgspec.json.encode({"access_token": f"token-{number}", "access_token_token_expired": ends})
        )


def keys(kis, vault, policy=POLICY, env=ENV, spec=REST):
    made = ring(
        spec, policy, EnvSecrets(env), vault, MemoryBudget(), lambda: kis.at, lambda s: None, lambda: 0.5, iter(map(str, range(10**6))).__next__,
    )  # fmt: skip
    for key in made._keys.values():
        url = key._paced._policy.url
        key._paced._wire = lambda request, url=url: kis.answer(url, request)
    return made


def token_of(signer):
    return dict(signer(Request("GET", "/x")).headers)["authorization"].removeprefix("Bearer ")


def test_all_who_hold_a_key_share_its_token():
    kis, vault = Kis(), MemoryVault()
    processes = [keys(kis, vault)["kis_app_key"] for _ in range(5)]

    assert {token_of(signer) for signer in processes for _ in range(3)} == {"token-1"}
    assert kis.asked == [("http://real.test", "/oauth2/tokenP", "key-canary")]


def test_the_accounts_key_is_asked_for_at_its_own_address_and_has_a_token_of_its_own():
    """Quotes with a real key while orders go to the mock environment."""
    kis = Kis()
    made = keys(kis, MemoryVault())

    assert token_of(made["kis_app_key"]) != token_of(made["kis_mock_app_key"])
    assert kis.asked[1] == ("http://mock.test", "/oauth2/tokenP", "mock-key")


def test_a_renewal_by_one_is_read_by_the_others():
    kis, vault = Kis(), MemoryVault()
    first, second = (keys(kis, vault)["kis_app_key"] for _ in range(2))
    token_of(first), token_of(second)
    kis.at = Millis(kis.at + 7 * HOUR)

    first.renew()
    second.renew()

    assert token_of(first) == token_of(second) == "token-2"
    assert len(kis.asked) == 2


def test_a_renewal_before_any_call_brings_the_token_that_is_there():
    kis, vault = Kis(), MemoryVault()
    token_of(keys(kis, vault)["kis_app_key"])

    late = keys(kis, vault)["kis_app_key"]
    late.renew()

    assert (token_of(late), len(kis.asked)) == ("token-1", 1)


def test_a_process_that_lives_long_takes_the_new_token_in_good_time():
    kis, vault = Kis(), MemoryVault()
    signer = keys(kis, vault)["kis_app_key"]
    token_of(signer)
    kis.at = Millis(kis.at + DAY - 5 * MINUTE)

    assert token_of(signer) == "token-2"


def test_approval_keys_are_shared_and_replaced_when_refused():
    kis, vault = Kis(), MemoryVault()
    made, other = keys(kis, vault), keys(kis, vault)

    assert made.approval("kis_app_key") == other.approval("kis_app_key") == "approval-1"
    kis.at = Millis(kis.at + 2000)
    assert other.approval("kis_app_key", refused="approval-1") == "approval-2"
    assert made.approval("kis_app_key") == "approval-2"


def test_a_desk_that_refuses_is_asked_once_and_left_alone_for_a_minute():
    kis, vault = Kis(), MemoryVault()
    kis.refusing = True
    for _ in range(20):
        with pytest.raises(RateLimited):
            token_of(keys(kis, vault)["kis_app_key"])

    assert len(kis.asked) == 1


def test_another_app_key_under_the_same_name_has_its_own_token():
    kis, vault = Kis(), MemoryVault()
    token_of(keys(kis, vault)["kis_app_key"])

    changed = keys(kis, vault, env={**ENV, "HOGA_SECRET_KIS_APP_KEY": "new-key"})["kis_app_key"]

    assert token_of(changed) == "token-2"
    assert fingerprint("new-key") != fingerprint("key-canary")


def test_no_row_of_the_vault_is_named_after_a_key():
    kis, vault = Kis(), MemoryVault()
    token_of(keys(kis, vault)["kis_app_key"])

    assert "canary" not in str(list(vault._rows))
    assert list(vault._rows) == [f"krx#real#{fingerprint('key-canary')}#token"]


def test_a_missing_key_or_secret_has_a_name():
    made = keys(Kis(), MemoryVault(), env={})

    with pytest.raises(Misconfigured, match="HOGA_SECRET_KIS_APP_KEY"):
        token_of(made["kis_app_key"])
    with pytest.raises(Misconfigured, match="kis_other"):
        made.approval("kis_other")


def test_a_market_that_takes_no_keys_refuses_them():
    with pytest.raises(Misconfigured, match="no app keys"):
        keys(Kis(), MemoryVault(), spec=venue(Market.UPBIT).rest)


def test_the_accounts_address_is_called_with_its_environments_own_limits():
    real = AccountPolicy(url="http://real.test", key=KeyPolicy(environment=Environment.REAL))

    assert account_rest(POLICY.rest, POLICY.account).limits == {}
    assert account_rest(POLICY.rest, real).limits == {"rest": 15.0}
