"""A KIS that answers flows from a table: strings everywhere, 30 codes and no more, rows newest first."""

import msgspec

from core.domain.values import DAY, MINUTE, Millis
from core.venues.flow import Response
from core.venues.kis.figures import clock, day, day_began, stamp

SEEN = stamp("20261120", "101530")
SAMPLE = {
    "kospi_kosdaq_cls_name": "KOSPI", "mrkt_trtm_cls_name": "", "hour_cls_code": "0", "inter_kor_isnm": "삼성전자",
    "inter2_prpr": "274500", "inter2_prdy_vrss": "6500", "prdy_vrss_sign": "2", "prdy_ctrt": "2.43",
    "acml_vol": "21669476", "inter2_oprc": "275000", "inter2_hgpr": "275500", "inter2_lwpr": "266000",
    "inter2_llam": "188000", "inter2_mxpr": "348000", "inter2_askp": "274500", "inter2_bidp": "274000",
    "seln_rsqn": "120", "shnu_rsqn": "88", "total_askp_rsqn": "9", "total_bidp_rsqn": "9",
    "acml_tr_pbmn": "5874450961500", "inter2_prdy_clpr": "268000", "oprc_vrss_hgpr_rate": "0.18",
    "intr_antc_cntg_vrss": "0", "intr_antc_cntg_vrss_sign": "3", "intr_antc_cntg_prdy_ctrt": "0.00",
    "intr_antc_vol": "0", "inter2_sdpr": "268000",
}  # fmt: skip
"""reference/kis.md 4; the code of the row comes beside it."""
PRICE = {
    "stck_prpr": "128500", "stck_sdpr": "128500", "prdy_vrss_sign": "5", "prdy_ctrt": "-1.50", "acml_vol": "10",
    "acml_tr_pbmn": "1285000", "stck_hgpr": "130000", "stck_lwpr": "128000", "stck_mxpr": "167000",
    "stck_llam": "90000", "aspr_unit": "500", "iscd_stat_cls_code": "55", "vi_cls_code": "N",
    "mrkt_warn_cls_code": "00", "short_over_yn": "N", "sltr_yn": "N", "temp_stop_yn": "N", "invt_caful_yn": "N",
}  # fmt: skip


def ok(**blocks):
    return Response(
        200,
        msgspec.json.encode({"rt_cd": "0", "msg_cd": "MCA00000", "msg1": "정상처리 되었습니다!".ljust(80), **blocks}),
    )


def refused(code, status=200):
    return Response(status, msgspec.json.encode({"rt_cd": "1", "msg_cd": code, "msg1": code.ljust(80)}))


class Desk:
    """Knows `stocks`; `most` codes of a multi-quote are answered, in silence about the rest.

    trouble  what is answered instead, by the question's path or by (path, code)
    wide     whether the call for earlier days tells today's minutes too
    minutes, days  candles: (code) -> rows, newest first
    """

    def __init__(self, *stocks, most=30, wide=True):
        self.stocks = {code: {} for code in stocks}
        self.most, self.trouble, self.asked, self.wide = most, {}, [], wide
        self.minutes, self.days, self.companions = [], [], {}

    def __call__(self, request):
        path, query = request.path.rpartition("/")[2], dict(request.query)
        assert dict(request.headers)["tr_id"]
        assert request.group == "rest"
        self.asked.append((path, query))
        code = query.get("FID_INPUT_ISCD", "")
        if answer := self.trouble.get((path, code)) or self.trouble.get(path):
            return answer
        return getattr(self, path.replace("-", "_"))(query, code)

    def paths(self):
        return [path for path, _ in self.asked]

    def intstock_multprice(self, query, code):
        codes = [query[f"FID_INPUT_ISCD_{n}"] for n in range(1, len(query) // 2 + 1)]
        assert {query[f"FID_COND_MRKT_DIV_CODE_{n + 1}"] for n in range(len(codes))} == {"J"}
        known = [each for each in codes[: self.most] if each in self.stocks]
        return ok(output=[{**SAMPLE, "inter_shrn_iscd": each, **self.stocks[each]} for each in known])

    def inquire_price(self, query, code):
        if code not in self.stocks:
            return ok(output={**PRICE, "stck_prpr": "0", "stck_sdpr": "0"})
        return ok(output={**PRICE, **self.stocks[code]})

    def inquire_price_2(self, query, code):
        return ok(output=self.companions.get(code, {"trht_yn": "N"}))

    def inquire_asking_price_exp_ccn(self, query, code):
        if code not in self.stocks:
            return ok(output1={}, output2={})
        steps = {f"askp{n}": str(1000 + n) for n in range(1, 11)} | {f"bidp{n}": str(1000 - n) for n in range(1, 11)}
        sizes = {f"{side}_rsqn{n}": str(n) for n in range(1, 11) for side in ("askp", "bidp")}
        return ok(output1={"aspr_acpt_hour": "101529", **steps, **sizes, **self.stocks[code]}, output2={})

    def inquire_daily_itemchartprice(self, query, code):
        assert (query["FID_PERIOD_DIV_CODE"], query["FID_ORG_ADJ_PRC"]) == ("D", "0")
        first, end = query["FID_INPUT_DATE_1"], query["FID_INPUT_DATE_2"]
        return ok(output2=[row for row in self.days if first <= row.get("stck_bsop_date", end) <= end][:100])

    def inquire_time_itemchartprice(self, query, code):
        rows = [row for row in self.minutes if row["stck_bsop_date"] == day(SEEN)]
        return ok(output2=[row for row in rows if row["stck_cntg_hour"] <= query["FID_INPUT_HOUR_1"]][:30])

    def inquire_time_dailychartprice(self, query, code):
        if not self.wide and query["FID_INPUT_DATE_1"] == day(SEEN):
            return ok(output2=[])
        end = query["FID_INPUT_DATE_1"] + query["FID_INPUT_HOUR_1"]
        return ok(output2=[row for row in self.minutes if row["stck_bsop_date"] + row["stck_cntg_hour"] <= end][:120])


def minute_rows(first, last, price=100, volume=2):
    """One row for each minute from `first` to `last`, newest first; the value grows through each day."""
    rows, total, date = [], 0, ""
    for at in range(first, last + 1, MINUTE):
        total = (0 if day(Millis(at)) != date else total) + price * volume
        date = day(Millis(at))
        rows.append({
            "stck_bsop_date": date, "stck_cntg_hour": clock(Millis(at)), "stck_prpr": str(price),
            "stck_oprc": str(price - 1), "stck_hgpr": str(price + 5), "stck_lwpr": str(price - 5),
            "cntg_vol": str(volume), "acml_tr_pbmn": str(total),
        })  # fmt: skip
    return rows[::-1]


def sessions(*dates):
    """Minutes 09:00 to 15:19 of each date, newest first."""
    return [
        row for date in sorted(dates, reverse=True) for row in minute_rows(stamp(date, "090000"), stamp(date, "151900"))
    ]


def day_rows(count, newest=SEEN):
    """Trading days back from `newest`, weekends left out."""
    rows, at = [], day_began(newest)
    while len(rows) < count:
        if (at + 9 * 3_600_000) // DAY % 7 not in (2, 3):  # 1970-01-01 was a Thursday
            rows.append({
                "stck_bsop_date": day(at), "stck_clpr": "100", "stck_oprc": "99", "stck_hgpr": "110",
                "stck_lwpr": "90", "acml_vol": "7", "acml_tr_pbmn": "700", "mod_yn": "N",
            })  # fmt: skip
        at = Millis(at - DAY)
    return rows
