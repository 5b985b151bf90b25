"""KIS's answers to orders, an account and a venue that answers in turn (reference/kis.md 8)."""

import json

from core.domain.policies import Environment
from core.domain.values import Side
from core.venues.flow import Response
from core.venues.kis.figures import stamp
from core.venues.ordering import Depot, Sought
from tests.adapters.orders.scripted import NUMBER, SAMSUNG, Bench

AT = stamp("20261120", "101530")
REAL, MOCK = (Depot(number=NUMBER, environment=environment) for environment in Environment)
ACCOUNT = {"CANO": "12345678", "ACNT_PRDT_CD": "01"}
ORDER = Bench().order()


def answer(status=200, headers=None, **body):
    return Response(
        status, json.dumps({"rt_cd": "0", "msg_cd": "KIOK0510", "msg1": "", **body}).encode(), headers or {}
    )


def refused(code, status=200, rt_cd="1"):
    return answer(status, rt_cd=rt_cd, msg_cd=code, msg1="말".ljust(80))


class Script:
    """Gives its answers in turn, and remembers what was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, request):
        self.asked.append(request)
        return self.answers.pop(0)


TAKEN = {"KRX_FWDG_ORD_ORGNO": "06010", "ODNO": "0001569157", "ORD_TMD": "101530"}
ROW = {
    "ord_dt": "20261120", "ord_gno_brno": "06010", "odno": "0001569157", "orgn_odno": "", "ord_dvsn_name": "지정가",
    "sll_buy_dvsn_cd": "02", "sll_buy_dvsn_cd_name": "현금매수", "pdno": "005930", "prdt_name": "삼성전자",
    "ord_qty": "10", "ord_unpr": "70000", "ord_tmd": "101530", "tot_ccld_qty": "0", "avg_prvs": "0", "cncl_yn": "",
    "tot_ccld_amt": "0", "loan_dt": "", "ordr_empno": "OpnAPI", "ord_dvsn_cd": "00", "cncl_cfrm_qty": "0",
    "rmn_qty": "10", "rjct_qty": "0", "ccld_cndt_name": "없음", "inqr_ip_addr": "", "cpbc_ordp_ord_rcit_dvsn_cd": "",
    "cpbc_ordp_infm_mthd_dvsn_cd": "", "infm_tmd": "", "ctac_tlno": "", "prdt_type_cd": "300", "excg_dvsn_cd": "02",
    "cpbc_ordp_mtrl_dvsn_cd": "", "ord_orgno": "06010", "rsvn_ord_end_dt": "", "excg_id_dvsn_Cd": "KRX",
    "stpm_cndt_pric": "0", "stpm_efct_occr_dtmd": "",
}  # fmt: skip
"""Every field of reference/kis.md 8.5."""
SOUGHT = Sought(instrument=SAMSUNG, side=Side.BUY, since=AT)
