"""Keys, tokens, limits and environments of the simulated KIS (reference/kis.md 1 to 3; E12, B2)."""

import re

import msgspec
import pytest

from core.domain.policies import Environment
from core.simulators.kis_keys import KEYS
from core.simulators.kis_time import midnight_of

REAL, MOCK = Environment.REAL, Environment.MOCK
PRICE = "/uapi/domestic-stock/v1/quotations/inquire-price"
FRIDAY_NIGHT = midnight_of("20261120") + 81 * 900_000
"""20:15: no market trades in the day that follows, so it passes in no time."""
ONE = {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": "005930"}


async def test_a_token_has_the_shape_and_the_korean_expiry_of_the_real_one(serving):
    async with serving(entered=False) as client:
        status, body, _ = await client.ask_token()
        assert status == 200
        assert (body["token_type"], body["expires_in"]) == ("Bearer", 86400)
        assert body["access_token_token_expired"] == "2026-09-24 12:39:02"
        assert len(body["access_token"]) <= 350
        assert body["access_token"].count(".") == 2


async def test_a_second_token_within_a_minute_is_refused_in_a_shape_of_its_own(serving):
    async with serving(entered=False) as client:
        await client.ask_token()
        client.clock.at += 59_999
        status, body, _ = await client.ask_token()
        assert status == 403
        assert body == {
            "error_code": "EGW00133",
            "error_description": "접근토큰 발급 잠시 후 다시 시도하세요(1분당 1회)",
        }
        assert client.sim.log.counts["tokens"] == 1


async def test_within_six_hours_the_same_token_comes_back_and_then_another(serving):
    async with serving(entered=False, at=FRIDAY_NIGHT) as client:
        first = (await client.ask_token())[1]
        client.clock.at += 6 * 3_600_000 - 1
        again = (await client.ask_token())[1]
        assert again["access_token"] == first["access_token"]
        assert again["access_token_token_expired"] == first["access_token_token_expired"]
        assert again["expires_in"] == 86_400 - 6 * 3600
        client.clock.at += 60_001
        assert (await client.ask_token())[1]["access_token"] != first["access_token"]
        assert client.sim.log.counts["tokens"] == 2
        assert client.sim.log.counts["token calls"] == 3


async def test_an_expired_token_and_one_never_given_are_told_apart(serving):
    async with serving(at=FRIDAY_NIGHT) as client:
        client.clock.at += 86_400_000
        status, body, _ = await client.get(PRICE, "FHKST01010100", ONE)
        assert (status, body["rt_cd"], body["msg_cd"]) == (500, "1", "EGW00123")
        client.token = "made.up.token"
        status, body, _ = await client.get(PRICE, "FHKST01010100", ONE)
        assert (status, body["msg_cd"]) == (500, "EGW00121")


async def test_a_revoked_token_is_not_accepted_and_the_next_is_new(real):
    body = {"appkey": real.key.app_key, "appsecret": real.key.app_secret, "token": real.token}
    status, answer, _ = await real.open("/oauth2/revokeP", **body)
    assert (status, answer["code"]) == (200, 200)
    assert (await real.get(PRICE, "FHKST01010100", ONE))[1]["msg_cd"] == "EGW00121"
    real.clock.at += 60_001
    assert (await real.ask_token())[1]["access_token"] != real.token


async def test_the_approval_call_wants_its_secret_under_another_name_and_gives_one_a_second(serving):
    async with serving(entered=False) as client:
        words = {"grant_type": "client_credentials", "appkey": client.key.app_key}
        assert (await client.open("/oauth2/Approval", **words, appsecret=client.key.app_secret))[1][
            "msg_cd"
        ] == "EGW00104"
        status, body, _ = await client.ask_approval()
        assert status == 200
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", body["approval_key"])
        assert (await client.ask_approval())[1]["msg_cd"] == "EGW00201"
        client.clock.at += 1001
        assert (await client.ask_approval())[1]["approval_key"] != body["approval_key"]


@pytest.mark.parametrize(
    ("host", "key", "code"), [(REAL, KEYS[2], "EGW02004"), (MOCK, KEYS[0], "EGW02007")], ids=["mock key", "real key"]
)
async def test_a_key_of_the_other_environment_gets_a_token_and_nothing_else(serving, host, key, code):
    async with serving(host, key=key) as client:
        assert client.token
        status, body, _ = await client.get(PRICE, "FHKST01010100", ONE)
        assert (status, body["msg_cd"]) == (500, code)


async def test_a_mock_id_at_the_real_host_and_a_real_id_at_the_mock_host_are_refused(real, mock):
    query = {**real.whose}
    path = "/uapi/domestic-stock/v1/trading/inquire-balance"
    assert (await real.get(path, "VTTC8434R", query))[1]["msg_cd"] == "EGW02004"
    assert (await mock.get(path, "TTTC8434R", query))[1]["msg_cd"] == "EGW02006"


@pytest.mark.parametrize(
    ("name", "tr_id"),
    [
        ("quotations/intstock-multprice", "FHKST11300006"), ("quotations/volume-rank", "FHPST01710000"),
        ("quotations/chk-holiday", "CTCA0903R"), ("quotations/inquire-price-2", "FHPST01010000"),
        ("quotations/inquire-time-dailychartprice", "FHKST03010230"),
        ("trading/inquire-psbl-rvsecncl", "VTTC0084R"), ("trading/inquire-psbl-sell", "VTTC8408R"),
    ],
)  # fmt: skip
async def test_what_the_mock_environment_lacks_is_refused_by_name(mock, name, tr_id):
    status, body, _ = await mock.get(f"/uapi/domestic-stock/v1/{name}", tr_id, {})
    assert (status, body["rt_cd"], body["msg_cd"]) == (500, "1", "EGW02006")
    assert body["msg1"].strip() == "모의투자 TR 이 아닙니다."


@pytest.mark.parametrize(("flavour", "most"), [(REAL, 18), (MOCK, 1)])
async def test_calls_over_the_limit_of_any_second_are_refused_with_500(serving, flavour, most):
    async with serving(flavour) as client:
        for number in range(most):
            client.clock.at += 10 * (number > 0)
            assert (await client.get(PRICE, "FHKST01010100", ONE))[0] == 200
        first = client.clock.at - 10 * (most - 1)
        client.clock.at = first + 999
        status, body, _ = await client.get(PRICE, "FHKST01010100", ONE)
        assert (status, body["msg_cd"], body["msg1"]) == (500, "EGW00201", "초당 거래건수를 초과하였습니다.")
        client.clock.at = first + 1000
        assert (await client.get(PRICE, "FHKST01010100", ONE))[0] == 200
        assert client.sim.log.refusals == {"EGW00201": 1}


async def test_the_ledger_refuses_at_random_without_anybody_s_fault(serving):
    async with serving(limits={"ledger_share": 0.5}) as client:
        codes = set()
        for _ in range(20):
            codes.add((await client.statement("inquire-psbl-order", "TTTC8908R", PDNO="", ORD_UNPR="", ORD_DVSN="01", CMA_EVLU_AMT_ICLD_YN="N", OVRS_ICLD_YN="N"))["msg_cd"])  # fmt: skip
        assert codes == {"KIOK0510", "EGW00215"}


@pytest.mark.parametrize(
    ("header", "word", "code"),
    [
        ("content-type", "text/plain", "EGW00132"), ("appkey", "", "EGW00102"), ("appkey", "nobody's", "EGW00103"),
        ("appsecret", "", "EGW00104"), ("appsecret", "wrong", "EGW00105"), ("authorization", "", "EGW00121"),
        ("authorization", "Basic x", "EGW00205"), ("custtype", "", "EGW00208"), ("tr_id", "FHKST99999999", "OPSQ0002"),
        ("tr_id", "FHKST11300006", "OPSQ0002"),
    ],
)  # fmt: skip
async def test_a_wrong_header_has_its_own_code(real, header, word, code):
    headers = {**real.headers("FHKST01010100"), header: word}
    status, body, _ = await real.send("GET", PRICE, headers, ONE)
    assert (status, body["msg_cd"]) == (500, code)


async def test_a_path_and_a_grant_that_do_not_exist_are_refused(real):
    assert (await real.get("/uapi/nope", "FHKST01010100", {}))[1]["msg_cd"] == "EGW00202"
    assert (await real.open("/oauth2/tokenP", appkey="x"))[1]["msg_cd"] == "EGW00115"
    assert (await real.open("/oauth2/tokenP", grant_type="x"))[1]["msg_cd"] == "EGW00116"


async def test_answers_say_everything_as_text_and_pad_their_message(real):
    _, body, headers = await real.get(PRICE, "FHKST01010100", ONE)
    assert (body["rt_cd"], body["msg_cd"], body["msg1"]) == ("0", "MCA00000", "정상처리 되었습니다!".ljust(80))
    assert {type(value) for value in body["output"].values()} == {str}
    assert (headers["tr_id"], headers["tr_cont"]) == ("FHKST01010100", "")


async def test_a_body_must_have_upper_case_keys_and_text_values(real):
    whole = {**real.whose, "PDNO": "005930", "ORD_DVSN": "01", "ORD_QTY": "1", "ORD_UNPR": "0"}
    small = {name.lower(): word for name, word in whole.items()}
    assert (await real.post("order-cash", "TTTC0012U", small))["rt_cd"] == "2"
    assert (await real.post("order-cash", "TTTC0012U", {**whole, "ORD_QTY": 1}))["msg_cd"] == "EGW00101"
    missing = {name: word for name, word in whole.items() if name != "ORD_QTY"}
    assert "ORD_QTY" in (await real.post("order-cash", "TTTC0012U", missing))["msg1"]
    assert real.sim.books.orders == {}


async def test_a_hash_of_the_body_is_optional_and_checked_where_given(real):
    body = {**real.whose, "PDNO": "005930", "ORD_DVSN": "01", "ORD_QTY": "1", "ORD_UNPR": "0"}
    _, told, _ = await real.send("POST", "/uapi/hashkey", {}, body=msgspec.json.encode(body))
    assert told["BODY"] == body
    assert (await real.post("order-cash", "TTTC0012U", body, hashkey="0" * 64))["msg_cd"] == "EGW00131"
    assert (await real.post("order-cash", "TTTC0012U", body, hashkey=told["HASH"]))["rt_cd"] == "0"


async def test_query_names_are_read_in_small_letters_too(real):
    query = {name.lower(): word for name, word in ONE.items()}
    assert (await real.get(PRICE, "FHKST01010100", query))[1]["output"]["stck_shrn_iscd"] == "005930"


async def test_the_side_door_spoils_tokens_and_approval_keys(real):
    _, told, _ = await real.send("POST", "/_sim/keys", {}, body=b'{"expire":true,"forget":true}')
    assert told == {"expire": True, "forget": True}
    assert (await real.get(PRICE, "FHKST01010100", ONE))[1]["msg_cd"] == "EGW00123"
    assert real.sim.keys.approved(real.approval, real.clock.at) is None
    assert (await real.send("POST", "/_sim/keys", {}, body=b'{"no":1}'))[0] == 400
