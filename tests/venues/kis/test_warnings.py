"""A1: every official warning about a stock, whatever status it hides behind (reference/kis.md 5.1)."""

import pytest

from core.venues.kis import warnings
from core.venues.kis.answers import CompanionRow, PriceRow


@pytest.mark.parametrize(
    ("field", "value", "flag"),
    [
        ("iscd_stat_cls_code", "51", "MANAGED"),
        ("iscd_stat_cls_code", "52", "RISK"),
        ("iscd_stat_cls_code", "53", "WARNING"),
        ("iscd_stat_cls_code", "54", "CAUTION"),
        ("iscd_stat_cls_code", "57", "FULL_MARGIN"),
        ("iscd_stat_cls_code", "58", "HALTED"),
        ("iscd_stat_cls_code", "59", "OVERHEATED"),
        ("mrkt_warn_cls_code", "01", "CAUTION"),
        ("mrkt_warn_cls_code", "02", "WARNING"),
        ("mrkt_warn_cls_code", "03", "RISK"),
        ("temp_stop_yn", "Y", "HALTED"),
        ("sltr_yn", "Y", "LIQUIDATION_TRADING"),
        ("short_over_yn", "Y", "OVERHEATED"),
        ("mang_issu_cls_code", "Y", "MANAGED"),
        ("mang_issu_cls_code", "1", "MANAGED"),
        ("invt_caful_yn", "Y", "INVESTMENT_CAUTION"),
        ("vi_cls_code", "Y", "VI"),
        ("ovtm_vi_cls_code", "Y", "VI_AFTER_HOURS"),
        ("oprc_rang_cont_yn", "Y", "OPENING_EXTENDED"),
        ("clpr_rang_cont_yn", "Y", "CLOSING_EXTENDED"),
    ],
)
def test_each_code_and_each_single_flag_is_a_warning_by_itself(field, value, flag):
    assert warnings.of_price(PriceRow(**{field: value})) == {flag}


def test_an_ordinary_stock_has_no_warning_whatever_its_no_looks_like():
    for no in ("", "N", "n", "0", " "):
        row = PriceRow(
            iscd_stat_cls_code="55", mrkt_warn_cls_code="00", temp_stop_yn=no, sltr_yn=no, short_over_yn=no,
            mang_issu_cls_code=no, invt_caful_yn=no, vi_cls_code=no, ovtm_vi_cls_code=no,
        )  # fmt: skip
        assert warnings.of_price(row) == frozenset()


def test_a_halt_behind_another_status_is_seen_by_its_own_flag():
    row = PriceRow(iscd_stat_cls_code="51", mrkt_warn_cls_code="02", temp_stop_yn="Y")

    assert warnings.of_price(row) == {"MANAGED", "WARNING", "HALTED"}
    assert not warnings.may_hide_a_halt(row)


@pytest.mark.parametrize(("code", "asks"), [("51", True), ("53", True), ("55", False), ("58", False), ("", False)])
def test_only_a_status_that_may_hide_a_halt_is_looked_behind(code, asks):
    assert warnings.may_hide_a_halt(PriceRow(iscd_stat_cls_code=code)) is asks


@pytest.mark.parametrize(
    ("field", "flag"),
    [
        ("trht_yn", "HALTED"),
        ("mang_issu_yn", "MANAGED"),
        ("low_current_yn", "ILLIQUID"),
        ("stange_runup_yn", "ABNORMAL_SURGE"),
        ("insn_pbnt_yn", "UNFAITHFUL_DISCLOSURE"),
    ],
)
def test_the_companion_adds_what_the_single_quote_does_not_say(field, flag):
    assert warnings.of_companion(CompanionRow(**{field: "Y"})) == {flag}
    assert warnings.of_companion(CompanionRow(**{field: "N"})) == frozenset()
