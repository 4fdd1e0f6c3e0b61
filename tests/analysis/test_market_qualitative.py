"""Agreement, saturation, themes, competitors and maps: known answers, oracles, contracts."""

import itertools
import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency
from sklearn.metrics import adjusted_rand_score, cohen_kappa_score
from statsmodels.formula.api import ols
from statsmodels.stats.inter_rater import cohens_kappa

from ecomlab.analysis import market

SHARES = np.array([0.22, 0.18, 0.15, 0.12, 0.12, 0.09, 0.07, 0.05])


def krippendorff_example() -> pd.DataFrame:
    """Return the 12 units and 4 observers of Krippendorff (2011), section C."""
    observers = {
        "A": "1 2 3 3 2 1 4 1 2 . . .",
        "B": "1 2 3 3 2 2 4 1 2 5 . 3",
        "C": ". 3 3 3 2 3 4 2 2 5 1 .",
        "D": "1 2 3 3 2 4 4 1 2 5 1 .",
    }
    rows = [
        (unit, rater, np.nan if code == "." else float(code))
        for rater, codes in observers.items()
        for unit, code in enumerate(codes.split(), start=1)
    ]
    return pd.DataFrame(rows, columns=["unit", "rater", "code"])


def coded(seed: int, *, units: int = 96, accuracy: tuple[float, float] = (0.88, 0.80)):
    """Two coders who miss the true theme by lot, at known rates."""
    rng = np.random.default_rng(seed)
    true = rng.choice(8, units, p=SHARES)
    codes = {
        rater: np.where(rng.random(units) < right, true, (true + rng.integers(1, 8, units)) % 8)
        for rater, right in zip("ab", accuracy, strict=True)
    }
    wide = pd.DataFrame({"unit": range(units), **codes})
    return wide.melt("unit", var_name="rater", value_name="code")


def expected_kappa(accuracy: tuple[float, float] = (0.88, 0.80)) -> float:
    a, b = accuracy
    same = a * b + (1 - a) * (1 - b) / 7
    by_a, by_b = a * SHARES + (1 - a) * (1 - SHARES) / 7, b * SHARES + (1 - b) * (1 - SHARES) / 7
    return float((same - by_a @ by_b) / (1 - by_a @ by_b))


# --- agreement -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scale", "published"),
    [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)],
)
def test_alpha_is_what_krippendorff_2011_computes_by_hand(scale, published):
    made = market.measure_agreement(krippendorff_example(), method="krippendorff", scale=scale)
    assert made.value == pytest.approx(published, abs=0.0006)  # printed to three places
    assert (made.units, made.raters) == (11, 4)  # unit 12 has a single code


def test_kappa_is_what_cohen_1960_computes_by_hand():
    """Cohen (1960), Table 1, in counts of its 200 units: agreement .70, chance .41."""
    counts = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]
    made = market.measure_agreement(from_table(counts), method="cohen")
    assert made.value == pytest.approx((0.70 - 0.41) / (1 - 0.41), abs=1e-12)
    assert round(made.value, 3) == 0.492


def from_table(counts) -> pd.DataFrame:
    """Long ratings that have the given table of codes, rater a in rows."""
    pairs = [
        (row, column)
        for row, line in enumerate(counts)
        for column, times in enumerate(line)
        for _ in range(times)
    ]
    wide = pd.DataFrame(pairs, columns=["a", "b"]).rename_axis("unit").reset_index()
    return wide.melt("unit", var_name="rater", value_name="code")


@pytest.mark.parametrize(
    ("scale", "weights", "kind"),
    [("nominal", None, None), ("ordinal", "linear", "linear"), ("interval", "quadratic", "fc")],
)
def test_kappa_and_its_interval_are_those_of_two_other_libraries(scale, weights, kind):
    counts = np.array([[53, 5, 2], [11, 14, 5], [1, 6, 3]])
    ratings = from_table(counts)
    made = market.measure_agreement(ratings, method="cohen", scale=scale)
    wide = ratings.pivot(index="unit", columns="rater", values="code")
    assert made.value == pytest.approx(cohen_kappa_score(wide["a"], wide["b"], weights=weights))
    peer = cohens_kappa(counts, wt=kind)
    assert made.high - made.value == pytest.approx(1.959964 * peer.std_kappa, rel=1e-6)


def slow_alpha(ratings: pd.DataFrame, distance) -> float:
    """Alpha from its definition: every pair of codes, one by one."""
    coded_rows = ratings.dropna()
    units = [part["code"].tolist() for _, part in coded_rows.groupby("unit") if len(part) > 1]
    everyone = list(itertools.chain(*units))
    seen = sum(
        distance(x, y) / (len(codes) - 1)
        for codes in units
        for x, y in itertools.permutations(codes, 2)
    ) / len(everyone)
    expected = sum(distance(x, y) for x, y in itertools.permutations(everyone, 2))
    return 1 - seen / (expected / (len(everyone) * (len(everyone) - 1)))


@pytest.mark.parametrize(
    ("scale", "distance"),
    [
        ("nominal", lambda x, y: float(x != y)),
        ("interval", lambda x, y: (x - y) ** 2),
        ("ratio", lambda x, y: ((x - y) / (x + y)) ** 2 if x + y else 0.0),
    ],
)
def test_alpha_is_what_a_loop_over_all_pairs_gives(scale, distance):
    rng = np.random.default_rng(5)
    rows = [
        (unit, rater, float(np.clip(unit % 5 + rng.integers(-1, 2), 0, 6)))
        for unit in range(25)
        for rater in "abc"
        if rng.random() < 0.8
    ]
    ratings = pd.DataFrame(rows, columns=["unit", "rater", "code"])
    made = market.measure_agreement(ratings, method="krippendorff", scale=scale)
    assert made.value == pytest.approx(slow_alpha(ratings, distance))


def test_ordinal_alpha_knows_ranks_only():
    ratings = krippendorff_example()
    stretched = ratings.assign(code=ratings["code"].map({1: 1, 2: 2, 3: 10, 4: 11, 5: 90}))
    same = [
        market.measure_agreement(frame, method="krippendorff", scale="ordinal").value
        for frame in (ratings, stretched)
    ]
    assert same[0] == pytest.approx(same[1])
    words = pd.Categorical.from_codes(
        ratings["code"].fillna(0).astype(int) - 1, list("edcba"), ordered=True
    )
    named = market.measure_agreement(
        ratings.assign(code=words), method="krippendorff", scale="ordinal"
    )
    assert named.value == pytest.approx(same[0])


def test_the_interval_of_kappa_and_alpha_covers_the_truth_about_nineteen_times_in_twenty():
    truth, hits = expected_kappa(), np.zeros(2)
    for seed in range(60):
        ratings = coded(seed)
        for at, method in enumerate(("cohen", "krippendorff")):
            made = market.measure_agreement(ratings, method=method, seed=seed)
            hits[at] += made.low <= truth <= made.high
    assert (hits >= 52).all()  # of 60 at level .95: below 52 in one of 5,000 (binomial)


def test_coders_who_guess_agree_at_zero_and_those_who_never_differ_at_one():
    guessed = market.measure_agreement(
        coded(1, units=4_000, accuracy=(1 / 8, 1 / 8)), method="krippendorff"
    )
    assert abs(guessed.value) < 0.03
    sure = market.measure_agreement(coded(2, units=40, accuracy=(1.0, 1.0)), method="cohen")
    assert (sure.value, sure.high) == (1.0, 1.0)
    assert sure.low < 0.95  # 40 agreements do not prove perfection


def test_who_codes_first_and_in_which_order_changes_nothing():
    ratings = coded(3)
    swapped = ratings.assign(rater=ratings["rater"].map({"a": "b", "b": "a"}))
    for frame in (swapped, ratings.sample(frac=1, random_state=1)):
        for method in ("cohen", "krippendorff"):
            one = market.measure_agreement(ratings, method=method)
            assert market.measure_agreement(frame, method=method).value == pytest.approx(one.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop(columns="rater"), "ratings.rater: the column is missing"),
        (lambda f: f.iloc[:0], "empty"),
        (lambda f: f.assign(code=np.nan), "every row is empty"),
        (lambda f: pd.concat([f, f.head(1)], ignore_index=True), "repeat the same unit, rater"),
        (lambda f: f.assign(code=1), "not estimated, because"),
        (lambda f: f.assign(unit=range(len(f))), "nothing is compared"),
    ],
)
@pytest.mark.parametrize("method", ["cohen", "krippendorff"])
def test_agreement_says_what_is_wrong_with_its_input(change, said, method):
    with pytest.raises(ValueError, match=said):
        market.measure_agreement(change(coded(1)), method=method)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"method": "fleiss"}, "method"),
        ({"method": "krippendorff", "scale": "metric"}, "scale"),
        ({"method": "cohen", "level": 1.0}, "level"),
        ({"method": "cohen", "scale": "ratio"}, "ratio"),
    ],
)
def test_agreement_names_a_choice_that_it_does_not_have(values, said):
    with pytest.raises(ValueError, match=said):
        market.measure_agreement(coded(1), **values)


def test_numbers_are_asked_for_where_the_scale_needs_them():
    words = coded(1).assign(code="fit")
    with pytest.raises(ValueError, match=r"ratings.code: 192 rows are not finite"):
        market.measure_agreement(words, method="krippendorff", scale="interval")
    three = pd.concat([coded(1), coded(2).assign(rater="c")]).drop_duplicates(["unit", "rater"])
    with pytest.raises(ValueError, match="3 raters; Cohen's kappa is for two"):
        market.measure_agreement(three, method="cohen")


# --- saturation ----------------------------------------------------------------------------


def test_the_curve_is_the_mean_over_every_order_of_the_interviews():
    heard = {0: "ab", 1: "ac", 2: "a", 3: "bd", 4: "", 5: "ce"}
    rows = [(who, code) for who, codes in heard.items() for code in codes or [None]]
    made = market.measure_saturation(pd.DataFrame(rows, columns=["interview", "code"]))
    for size in range(1, 7):
        found = [
            len(set("".join(heard[who] for who in some)))
            for some in itertools.combinations(heard, size)
        ]
        assert made.table["codes"].iloc[size - 1] == pytest.approx(np.mean(found))


def test_chao2_is_what_its_formula_gives_by_hand():
    """Chao (1987): 4 codes once, 2 twice, 1 thrice of 5 interviews: 7 + 4/5 * 16 / 4."""
    times = {"a": 1, "b": 1, "c": 1, "d": 1, "e": 2, "f": 2, "g": 3}
    rows = [(who, code) for code, often in times.items() for who in range(often)]
    rows += [(3, None), (4, None)]
    made = market.measure_saturation(pd.DataFrame(rows, columns=["interview", "code"]))
    assert made.total == pytest.approx(7 + 0.8 * 16 / 4)
    assert made.seen < made.total_low < made.total < made.total_high
    last = made.table.iloc[-1]
    assert made.enough == last["interviews"] > 5
    assert last["codes"] >= 0.95 * made.total > made.table["codes"].iloc[-2]


def interviewed(seed: int, chances: np.ndarray, held: int = 25) -> pd.DataFrame:
    """Interviews in which each code comes up by its own chance."""
    met = np.random.default_rng(seed).random((held, len(chances))) < chances
    who, code = np.nonzero(met)
    quiet = [{"interview": one} for one in range(held) if not met[one].any()]
    return pd.concat([pd.DataFrame({"interview": who, "code": code}), pd.DataFrame(quiet)])


def test_the_interval_of_the_number_of_codes_covers_it_where_codes_are_alike():
    made = [market.measure_saturation(interviewed(seed, np.full(40, 0.06))) for seed in range(60)]
    assert sum(one.total_low <= 40 <= one.total_high for one in made) >= 52  # of 60 at .95


def test_one_more_interview_brings_as_many_new_codes_as_said():
    chances = np.linspace(0.02, 0.4, 30)
    made = [market.measure_saturation(interviewed(s, chances)).new_per_interview for s in range(80)]
    truth = (chances * (1 - chances) ** 24).sum()  # Good: unbiased for the last interview held
    assert np.mean(made) == pytest.approx(truth, abs=3 * np.std(made) / np.sqrt(80))


def test_all_codes_heard_often_leave_nothing_unseen():
    rows = [(who, code) for who in range(12) for code in "abc"]
    made = market.measure_saturation(pd.DataFrame(rows, columns=["interview", "code"]))
    assert (made.seen, made.total, made.enough, made.new_per_interview) == (3, 3.0, 1.0, 0.0)
    assert not made.table["is_extrapolated"].any()


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pd.DataFrame({"interview": [1, 2, 3]}), "codes.code: the column is missing"),
        (pd.DataFrame({"interview": [1, 2], "code": ["a", "b"]}), "2 interviews"),
        (pd.DataFrame({"interview": [1, 2, 3], "code": [None] * 3}), "no interview has a code"),
        (pd.DataFrame({"interview": [1, 2, None], "code": list("abc")}), "codes.interview"),
    ],
)
def test_saturation_says_what_is_wrong_with_its_input(frame, said):
    with pytest.raises(ValueError, match=said):
        market.measure_saturation(frame)


# --- themes --------------------------------------------------------------------------------

SAID = {
    "price": ["the postage made it too dear", "I compare what it costs elsewhere",
              "a high price for what it is", "I wait until the price comes down"],
    "parcel": ["the parcel came a week late", "nobody knew where my parcel was",
               "the driver left it outside", "late again, and the driver was rude"],
    "fit": ["the sleeves were far too short", "I never know which size to take",
            "it hung on me like a tent", "wrong size, wrong sleeves"],
}  # fmt: skip


def planted(seed: int, size: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    theme = rng.choice(list(SAID), size)
    text = [". ".join(SAID[one][at] for at in rng.choice(4, 2, replace=False)) for one in theme]
    return pd.DataFrame({"text": text, "theme": theme})


def test_planted_themes_are_found_again():
    scores = []
    for seed in range(5):
        answers = planted(seed)
        made = market.find_themes(answers, themes=3)
        scores.append(adjusted_rand_score(answers["theme"], made.assigned))
    assert np.mean(scores) > 0.8
    assert min(scores) > 0.5


def test_words_without_themes_are_called_unstable():
    rng = np.random.default_rng(3)
    words = [f"{a}{b}k" for a in "bdfglmnp" for b in "aeiou"]
    noise = pd.DataFrame({"text": [" ".join(rng.choice(words, 6)) for _ in range(80)]})
    made = market.find_themes(noise, themes=4)
    assert made.stability < 0.5 < market.find_themes(planted(1), themes=3).stability
    assert any("stability" in caveat for caveat in made.caveats)


def test_themes_say_which_words_they_are_made_of_and_whose_answer_shows_it_best():
    answers = planted(2)
    made = market.find_themes(answers, themes=3)
    assert made.table["answers"].is_monotonic_decreasing
    assert made.table["answers"].sum() == len(answers)
    for row in made.table.itertuples():
        mine = answers[(made.assigned == row.theme).to_numpy()]
        assert row.example in set(mine["text"])
        assert mine["text"].str.replace(".", "").str.contains(row.terms.split(",")[0]).mean() > 0.2


def test_chinese_answers_are_read_by_characters():
    said = [
        "快递太慢了",
        "快递员把包裹放错了",
        "快递又慢又贵",
        "尺码不准",
        "尺码表看不懂",
        "尺码偏小",
    ]
    made = market.find_themes(pd.DataFrame({"text": said * 4}), themes=2)
    assert adjusted_rand_score([1, 1, 1, 2, 2, 2] * 4, made.assigned) == 1.0


@pytest.mark.parametrize(
    ("frame", "themes", "said"),
    [
        (pd.DataFrame({"said": ["a"]}), 2, "answers.text: the column is missing"),
        (pd.DataFrame({"text": ["late parcel"] * 9 + [" "]}), 2, "1 rows are empty"),
        (pd.DataFrame({"text": ["late parcel"] * 10}), 5, "four answers a theme"),
        (pd.DataFrame({"text": list("abcdefgh")}), 2, "not estimated, because"),
    ],
)
def test_themes_say_what_is_wrong_with_their_input(frame, themes, said):
    with pytest.raises(ValueError, match=said):
        market.find_themes(frame, themes=themes)


# --- competitors ---------------------------------------------------------------------------


def scraped(
    seed: int, *, level: float = 0.95, items: int = 60
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Their prices and ours on ten days; items differ, and every fifth scrape fails."""
    rng = np.random.default_rng(seed)
    usual, own = rng.lognormal(3, 0.6, items), np.exp(0.08 * rng.standard_normal(items))
    sku, day = (at.ravel() for at in np.indices((items, 10)))
    ours = pd.DataFrame({"date": day, "sku": sku, "price": usual[sku], "units": 1 + sku % 3})
    price = usual[sku] * level * own[sku] * np.exp(0.02 * rng.standard_normal(len(sku)))
    theirs = pd.DataFrame({"date": day, "sku": sku, "competitor": "Bluepeak", "price": price})
    return theirs.sample(frac=0.8, random_state=seed), ours


def test_the_index_covers_the_true_ratio_about_nineteen_times_in_twenty():
    hits = 0
    for seed in range(100):
        made = market.compare_prices(*scraped(seed))
        hits += made.low <= 0.95 <= made.high
    assert 88 <= hits <= 100  # of 100 at level .95: below 88 in one of 500


def test_unmatched_means_compare_different_things():
    theirs, ours = scraped(1)
    dear = ours.loc[ours["price"] > ours["price"].median(), "sku"]
    part = theirs[theirs["sku"].isin(dear)]  # they carry only what is dear
    made = market.compare_prices(part, ours)
    assert made.naive_index > 1.3
    assert made.index == pytest.approx(0.95, abs=0.05)


def test_laspeyres_is_the_cost_of_our_basket_there_over_here():
    theirs, ours = scraped(2)
    day = theirs["date"].eq(3)
    met = theirs[day].merge(ours, on=["date", "sku"], suffixes=("", "_ours"))
    basket = (met["price"] * met["units"]).sum() / (met["price_ours"] * met["units"]).sum()
    kept = ours[(ours["date"] == 3) & ours["sku"].isin(met["sku"])]
    made = market.compare_prices(theirs[day], kept, method="laspeyres")
    assert made.index == pytest.approx(basket)


def test_another_currency_of_both_changes_no_index():
    theirs, ours = scraped(3)
    once = market.compare_prices(theirs, ours).index
    again = market.compare_prices(
        theirs.assign(price=theirs["price"] * 7.2), ours.assign(price=ours["price"] * 7.2)
    ).index
    assert once == pytest.approx(again)


def test_the_path_of_prices_is_the_dummy_regression_of_statsmodels():
    rng = np.random.default_rng(4)
    rows = [
        (day, item, float(np.exp(3 + 0.2 * item + 0.01 * day + 0.02 * rng.standard_normal())))
        for day in range(12)
        for item in range(6)
        if rng.random() < 0.7
    ]
    prices = pd.DataFrame(rows, columns=["date", "item", "price"])
    made = market.track_prices(prices)
    fit = ols("np.log(price) ~ C(date) + C(item)", prices).fit()
    path = np.array([0.0, *(fit.params[f"C(date)[T.{day}]"] for day in range(1, 12))])
    assert np.log(made["index"]).to_numpy() == pytest.approx(path - path.mean(), abs=1e-9)


def test_items_that_come_late_do_not_move_the_path():
    days, start = np.arange(10), {"a": 0, "b": 0, "dear": 5}
    rows = [(day, item, 100.0 if item == "dear" else 10.0)
            for item, first in start.items() for day in days if day >= first]  # fmt: skip
    made = market.track_prices(pd.DataFrame(rows, columns=["date", "item", "price"]))
    assert made["index"].to_numpy() == pytest.approx(np.ones(10))


def test_ranges_overlap_as_sets_do():
    rng = np.random.default_rng(6)
    sets = {name: set(rng.choice(30, size, replace=False)) for name, size in (("A", 9), ("B", 14))}
    frame = pd.DataFrame([(name, item) for name, items in sets.items() for item in items],
                         columns=["seller", "item"])  # fmt: skip
    made = market.compare_ranges(pd.concat([frame, frame.head(3)])).set_index("seller").loc["A"]
    assert made["shared_share"] == len(sets["A"] & sets["B"]) / 9
    assert made["jaccard_share"] == len(sets["A"] & sets["B"]) / len(sets["A"] | sets["B"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t, o: (t.drop(columns="sku"), o), "theirs.sku"),
        (lambda t, o: (t.assign(price=-1.0), o), "theirs.price: 480 rows are not above 0"),
        (lambda t, o: (t.assign(price="dear"), o), "theirs.price: 480 rows are not finite"),
        (lambda t, o: (t, o.assign(price=np.inf)), "ours.price: 600 rows are not finite"),
        (lambda t, o: (t, pd.concat([o, o])), "repeat the same date, sku"),
        (lambda t, o: (t.assign(sku=t["sku"] + 1_000), o), "0 items are matched"),
    ],
)
def test_price_comparison_says_what_is_wrong_with_its_input(change, said):
    with pytest.raises(ValueError, match=said):
        market.compare_prices(*change(*scraped(1)))


# --- reaction ------------------------------------------------------------------------------


def rivalry(seed: int, *, reaction: float = 0.3, weeks: int = 120, markets: int = 6):
    """Weekly indices: costs move both prices; they follow ours a week later."""
    rng = np.random.default_rng(seed)
    rows = []
    for name in range(markets):
        cost = np.zeros(weeks)
        for week in range(1, weeks):
            cost[week] = 0.97 * cost[week - 1] + 0.012 * rng.standard_normal()
        own = 0.6 * cost + 0.02 * rng.standard_normal(weeks)
        rival = np.zeros(weeks)
        for week in range(1, weeks):
            pull = 0.5 * cost[week] + reaction * own[week - 1]
            rival[week] = 0.5 * rival[week - 1] + 0.5 * pull + 0.01 * rng.standard_normal()
        paths = np.exp([rival, own, cost])
        named = dict(zip(["rival", "own", "cost"], paths, strict=True))
        rows.append(pd.DataFrame({"market": name, "period": range(weeks), **named}))
    return pd.concat(rows, ignore_index=True)


def test_the_reaction_is_covered_and_the_plain_slope_is_not():
    hits, naive = 0, 0
    for seed in range(60):
        made = market.estimate_reaction(rivalry(seed))
        hits += made.low <= 0.3 <= made.high
        naive += made.naive_low <= 0.3 <= made.naive_high
    assert hits >= 52  # of 60 at level .95
    assert naive <= 6


def test_the_slopes_are_those_of_statsmodels_with_market_effects():
    prices = rivalry(1)
    made = market.estimate_reaction(prices)
    logs = prices.assign(**{name: np.log(prices[name]) for name in ("rival", "own", "cost")})
    lags = logs.groupby("market")[["rival", "own", "cost"]].shift().add_suffix("_before")
    fit = ols("rival ~ rival_before + own + own_before + cost + cost_before + C(market)",
              logs.join(lags)).fit()  # fmt: skip
    want = fit.params[made.table["term"]].to_numpy()
    assert made.table["coefficient"].to_numpy() == pytest.approx(want)
    assert made.table["standard_error"].to_numpy() == pytest.approx(
        fit.bse[made.table["term"]].to_numpy()
    )
    assert made.reaction == pytest.approx((want[1] + want[2]) / (1 - want[0]))


def test_the_parts_add_up_to_what_happened():
    parts = market.estimate_reaction(rivalry(2)).parts
    total = parts[["cost", "reaction", "their_own"]].sum(axis=1)
    assert total.to_numpy() == pytest.approx(parts["actual"].to_numpy())


def test_competitors_who_do_not_look_at_us_are_told_so():
    made = market.estimate_reaction(rivalry(3, reaction=0.0))
    assert made.low < 0 < made.high < made.naive
    assert any("holds 0" in caveat for caveat in made.caveats)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop(columns="cost"), "prices.cost: the column is missing"),
        (lambda f: f.assign(own=0.0), "prices.own: 720 rows are not above 0"),
        (lambda f: f[f["period"] < 5], "5 periods; 12 are needed"),
        (lambda f: f.assign(cost=1.0), "never changes"),
        (lambda f: f.assign(own=f["cost"]), "cannot be told"),
        (lambda f: pd.concat([f, f]), "repeat the same market, period"),
    ],
)
def test_the_reaction_says_what_is_wrong_with_its_input(change, said):
    with pytest.raises(ValueError, match=said):
        market.estimate_reaction(change(rivalry(1)))


# --- shares and voice ----------------------------------------------------------------------


def test_concentration_is_the_sum_of_squared_shares_and_scale_free():
    sold = pd.DataFrame({"seller": list("ABCA"), "amount": [10.0, 30.0, 40.0, 20.0]})
    made = market.measure_concentration(sold)
    assert made.hhi == pytest.approx(0.3**2 + 0.3**2 + 0.4**2)
    scaled = market.measure_concentration(sold.assign(amount=7 * sold["amount"]))
    assert scaled.hhi == pytest.approx(made.hhi)
    assert made.equal_sellers == pytest.approx(1 / made.hhi)
    assert math.isnan(made.low)


def test_the_interval_of_concentration_covers_it():
    shares, hits = np.array([0.45, 0.3, 0.25]), 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        split = rng.dirichlet(4 * shares, 300) * rng.lognormal(5, 0.5, (300, 1))
        frame = pd.DataFrame(split, columns=list("ABC")).rename_axis("respondent").reset_index()
        made = market.measure_concentration(
            frame.melt("respondent", var_name="seller", value_name="amount"), seed=seed
        )
        hits += made.low <= (shares**2).sum() <= made.high
    assert hits >= 52  # of 60 at level .95


def test_the_pool_of_unnamed_sellers_bounds_concentration_from_both_sides():
    sold = pd.DataFrame({"seller": ["we", "rival", "others"], "amount": [20.0, 30.0, 50.0]})
    made = market.measure_concentration(sold, pool="others")
    assert (made.hhi, made.hhi_if_one) == pytest.approx((0.13, 0.38))
    with pytest.raises(ValueError, match="'they' is no seller"):
        market.measure_concentration(sold, pool="they")


def test_voice_and_sales_are_shares_of_their_own_totals():
    spend = pd.DataFrame({"seller": ["we", "rival", "we"], "amount": [10.0, 70.0, 20.0]})
    sold = pd.DataFrame({"seller": ["we", "rival", "other"], "amount": [2.0, 6.0, 2.0]})
    made = market.compare_voice(spend, sold).set_index("seller")
    assert made["excess_share"].sum() == pytest.approx(0)
    assert made.loc["we", "excess_share"] == pytest.approx(0.3 - 0.2)
    assert made.loc["other", "voice_share"] == 0


@pytest.mark.parametrize("call", [
    lambda f: market.measure_concentration(f),
    lambda f: market.compare_voice(f, f),
])  # fmt: skip
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop(columns="amount"), "amount: the column is missing"),
        (lambda f: f.assign(amount=-1.0), "rows are below 0"),
        (lambda f: f.assign(amount=0.0), "above 0"),
        (lambda f: f.assign(seller=None), "seller: 2 rows are empty"),
    ],
)
def test_shares_say_what_is_wrong_with_their_input(call, change, said):
    sold = pd.DataFrame({"seller": ["we", "rival"], "amount": [1.0, 2.0]})
    with pytest.raises(ValueError, match=said):
        call(change(sold))


# --- maps ----------------------------------------------------------------------------------


def rated(seed: int, apart: float) -> pd.DataFrame:
    """Five brands of 30 ratings; they differ in `dear` and, half as much, in `green`."""
    rng = np.random.default_rng(seed)
    item = np.repeat(np.arange(5), 30)
    return pd.DataFrame(
        {
            "item": np.array(list("ABCDE"))[item],
            "dear": apart * (item - 2) + rng.standard_normal(150),
            "green": 0.5 * apart * np.array([1, -1, 0, -1, 1])[item] + rng.standard_normal(150),
            "plain": rng.standard_normal(150),
        }
    )


def test_the_map_finds_the_order_of_brands_and_names_the_axis_by_it():
    made = market.map_positions(rated(1, 1.5), attributes=["dear", "green", "plain"])
    assert made.table.sort_values("axis_1")["item"].tolist() == list("ABCDE")
    assert made.meanings[0] == "+ dear"
    assert "green" in made.meanings[1]
    assert made.is_told_apart
    assert made.shown_share > 0.9


def test_brands_that_do_not_differ_are_called_luck_about_nineteen_times_in_twenty():
    found = [
        market.map_positions(rated(seed, 0.0), attributes=["dear", "green", "plain"]).is_told_apart
        for seed in range(40)
    ]
    assert sum(found) <= 6  # of 40 at 5 %: above 6 in one of 100


def test_the_positions_keep_the_distances_between_brands_that_two_axes_can():
    ratings = rated(2, 1.0)
    made = market.map_positions(ratings, attributes=["dear", "green"])
    z = (ratings[["dear", "green"]] - ratings[["dear", "green"]].mean()) / ratings[
        ["dear", "green"]
    ].std(ddof=0)
    means = z.groupby(ratings["item"]).mean().to_numpy()
    places = made.table[["axis_1", "axis_2"]].to_numpy()
    for one, other in itertools.combinations(range(5), 2):  # two attributes: nothing is lost
        want = np.linalg.norm(means[one] - means[other])
        assert np.linalg.norm(places[one] - places[other]) == pytest.approx(want)


def test_correspondence_analysis_gives_greenacres_smokers():
    """Staff and smoking (Greenacre 1984): inertias .0748 and .0100 of .0852, 87.8 and 11.8 %."""
    counts = [[4, 2, 3, 2], [4, 3, 7, 4], [25, 10, 12, 4], [18, 24, 33, 13], [10, 6, 7, 2]]
    smoke = pd.DataFrame(counts, list("ABCDE"), ["none", "light", "medium", "heavy"])
    made = market.map_counts(smoke)
    inertia = np.array(made.explained_share) * made.between_share
    assert inertia == pytest.approx([0.074759, 0.010017], abs=1e-6)
    test = chi2_contingency(smoke)
    assert made.between_share == pytest.approx(test.statistic / 193)
    assert made.p_value == pytest.approx(test.pvalue)
    mass = smoke.sum(axis=1).to_numpy() / 193
    assert mass @ made.table[["axis_1", "axis_2"]].to_numpy() ** 2 == pytest.approx(inertia)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop(columns="dear"), "ratings.dear: the column is missing"),
        (lambda f: f.assign(dear="much"), "ratings.dear: 150 rows are not finite"),
        (lambda f: f.assign(dear=1.0), "never changes"),
        (lambda f: f[f["item"].isin(["A", "B"])], "a map needs three items"),
        (lambda f: f.iloc[:121], "with 1"),
    ],
)
def test_a_map_says_what_is_wrong_with_its_input(change, said):
    with pytest.raises(ValueError, match=said):
        market.map_positions(change(rated(1, 1.0)), attributes=["dear", "green"])


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (np.ones((2, 5)), "2 rows and 5 columns"),
        (-np.ones((3, 3)), "below 0"),
        (np.diag([1, 1, 0]), "has no count"),
    ],
)
def test_a_map_of_counts_says_what_is_wrong_with_its_input(counts, said):
    with pytest.raises(ValueError, match=said):
        market.map_counts(pd.DataFrame(counts))


# --- prices from choices, and the map of regions ---------------------------------------------


def chosen(seed: int = 1) -> market.ChoiceFit:
    """Return a model of 400 choices between a product, a dearer one and none; slope -2.5."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(400), 3)
    log_price = np.where(np.arange(1200) % 3 == 2, 0.0, rng.choice([-0.3, 0.0, 0.3], 1200))
    none = (np.arange(1200) % 3 == 2).astype(float)
    worth = -2.5 * log_price + 0.2 * none + rng.gumbel(size=1200)
    best = pd.Series(worth).groupby(task).transform("max")
    frame = pd.DataFrame({"task_id": task, "log_price": log_price, "none": none,
                          "chosen": (worth == best).astype(int)})  # fmt: skip
    return market.fit_choice(frame, attributes=["log_price", "none"])


OFFERS = pd.DataFrame(
    {"log_price": 0.0, "none": [0.0, 1.0], "price": [40.0, None], "unit_cost": [16.0, None],
     "is_repriced": [True, False]}
)  # fmt: skip


def test_where_few_buy_the_best_price_is_the_markup_of_every_textbook():
    """With elasticity e of a small share the best price is cost times e / (e - 1) (Lerner)."""
    fit = chosen()
    slope = -float(fit.table["coefficient"].iloc[0])
    grid = np.arange(0.4, 1.4, 0.005).tolist()
    made = market.plan_repricing(fit, OFFERS, price="log_price", buying_share=0.001, factors=grid)
    assert 40 * made.factor == pytest.approx(16 * slope / (slope - 1), rel=0.01)
    assert made.low < made.factor < made.high


def test_calibrated_shares_are_the_real_ones_and_profit_is_what_a_loop_gives():
    fit = chosen()
    slope, none = fit.table["coefficient"]
    made = market.plan_repricing(fit, OFFERS, price="log_price", buying_share=0.05)
    today = made.table.set_index("factor").loc[1.0]
    assert today["buying_share"] == pytest.approx(0.05)
    odds = 0.05 / 0.95 * np.exp(slope * np.log(1.2))  # of buying, at a price 20 % higher
    dearer = made.table.set_index("factor").loc[1.2]
    assert dearer["profit"] == pytest.approx(odds / (1 + odds) * (48 - 16))
    plain = market.plan_repricing(fit, OFFERS, price="log_price")
    bought = plain.table.set_index("factor").loc[1.0, "buying_share"]
    assert bought == pytest.approx(1 / (1 + np.exp(none)))
    assert plain.factor > made.factor  # on paper dear products lose nobody


@pytest.mark.parametrize(
    ("offers", "values", "said"),
    [
        (OFFERS.drop(columns="unit_cost"), {}, "offers.unit_cost: the column is missing"),
        (OFFERS.assign(is_repriced=False), {}, "no offer with a price is marked"),
        (OFFERS.assign(price=-1.0), {}, "offers.price: 2 rows are not above 0"),
        (OFFERS.head(1), {"buying_share": 0.05}, "buying nothing"),
        (OFFERS, {"buying_share": 3.0}, "buying_share"),
        (OFFERS, {"price": "cost"}, "not in the model"),
    ],
)
def test_repricing_says_what_is_wrong_with_its_input(offers, values, said):
    with pytest.raises(ValueError, match=said):
        market.plan_repricing(chosen(), offers, **{"price": "log_price", **values})


def test_every_region_has_a_tile_of_its_own_known_or_not():
    regions = pd.DataFrame({"region_id": ["NEW", "PAC", "XX", "YY"], "eco": [0.4, 0.1, 0.2, 0.3]})
    ax = market.draw_region_map(regions, value="eco", unit="share")
    corners = {(round(p.get_x(), 3), round(p.get_y(), 3)) for p in ax.patches}
    assert len(corners) == 4
    assert ax.get_title(loc="left") + ax.get_title() == (
        "eco is highest in NEW (40%), lowest in PAC (10%)"
    )
    plt.close(ax.figure)
    with pytest.raises(ValueError, match=r"regions\.eco"):
        market.draw_region_map(regions.assign(eco="much"), value="eco", unit="share")


# --- entering a region -------------------------------------------------------------------------


def regions_like(seed: int, *, own: float = 0.08) -> tuple[pd.DataFrame, float]:
    """Nine regions and a new one whose log odds follow what is stated; the new one's true share."""
    rng = np.random.default_rng(seed)
    stated = rng.uniform(0.2, 0.5, 10)
    odds = -1.5 + 2.0 * stated + own * rng.standard_normal(10)
    share = 1 / (1 + np.exp(-odds))
    units = rng.binomial(1_500, share).astype(float)
    frame = pd.DataFrame({"region_id": list("ABCDEFGHIN"), "stated": stated, "units": units,
                          "other_units": 1_500 - units})  # fmt: skip
    frame.loc[9, ["units", "other_units"]] = np.nan
    return frame, float(share[9])


def test_the_forecast_of_a_new_region_covers_it_about_nineteen_times_in_twenty():
    hits = 0
    for seed in range(100):
        frame, share = regions_like(seed)
        new = market.forecast_taste(frame, by="stated").table.iloc[-1]
        hits += new["low"] <= share <= new["high"]
    assert 88 <= hits <= 100  # of 100 at level .95


def test_known_regions_are_forecast_without_themselves():
    frame, _ = regions_like(3)
    made = market.forecast_taste(frame, by="stated")
    wild = frame.assign(units=frame["units"].where(frame["region_id"] != "A", 1_400.0))
    again = market.forecast_taste(wild, by="stated")
    assert again.table["forecast"].iloc[0] == pytest.approx(made.table["forecast"].iloc[0])
    assert made.error_share < made.mean_error_share


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop(columns="units"), "regions.units: the column is missing"),
        (lambda f: f.head(4), "4 regions with sales"),
        (lambda f: f.assign(stated=0.3), "same in every region"),
        (lambda f: f.assign(units=0.0, other_units=1.0), "not above 0"),
    ],
)
def test_a_taste_forecast_says_what_is_wrong_with_its_input(change, said):
    with pytest.raises(ValueError, match=said):
        market.forecast_taste(change(regions_like(1)[0]), by="stated")


OPTIONS = pd.DataFrame({"option": ["all", "eco"], "multiple": [1.0, 1.3], "relative_error": 0.15,
                        "cost": [1_500.0, 2_400.0]})  # fmt: skip


def test_the_profit_of_an_option_is_its_sales_times_what_is_left_less_its_cost():
    made = market.plan_entry(OPTIONS, sales=10_000, sales_error=0.2, earned_share=0.2)
    rows = made.table.set_index("option")
    assert rows.loc["all", "profit"] == pytest.approx(500)
    assert rows.loc["eco", "profit"] == pytest.approx(200)
    assert (made.best, rows.loc["stay out", "profit"]) == ("all", 0.0)
    drawn = (
        0.2 * 10_000 * 1.3 * np.exp(np.random.default_rng(1).normal(-0.03, 0.25, 400_000)) - 2_400
    )
    assert rows.loc["eco", "loss_chance"] == pytest.approx((drawn < 0).mean(), abs=0.04)
    poor = market.plan_entry(OPTIONS, sales=1_000, sales_error=0.2, earned_share=0.2)
    assert poor.best == "stay out"


@pytest.mark.parametrize(
    ("options", "values", "said"),
    [
        (OPTIONS.drop(columns="cost"), {}, "options.cost: the column is missing"),
        (OPTIONS.assign(cost=-1.0), {}, "options.cost: 2 rows are below 0"),
        (OPTIONS.assign(option="all"), {}, "repeat the same option"),
        (OPTIONS, {"sales": float("nan")}, "sales"),
        (OPTIONS, {"earned_share": 20.0}, "earned_share"),
    ],
)
def test_an_entry_plan_says_what_is_wrong_with_its_input(options, values, said):
    usual = {"sales": 1.0, "sales_error": 0.1, "earned_share": 0.2}
    with pytest.raises(ValueError, match=said):
        market.plan_entry(options, **{**usual, **values})


# --- pictures and words --------------------------------------------------------------------


def test_every_result_has_a_picture_whose_title_is_a_finding_and_caveats_that_are_sentences():
    results = [
        market.measure_agreement(coded(1), method="cohen"),
        market.measure_saturation(
            coded(1).query("rater == 'a'").assign(interview=lambda f: f["unit"] // 4)
        ),
        market.find_themes(planted(1), themes=3),
        market.compare_prices(*scraped(1)),
        market.estimate_reaction(rivalry(1)),
        market.measure_concentration(pd.DataFrame({"seller": list("AB"), "amount": [1.0, 2.0]})),
        market.map_positions(rated(1, 1.0), attributes=["dear", "green"]),
        market.plan_repricing(chosen(), OFFERS, price="log_price", buying_share=0.05),
        market.forecast_taste(regions_like(1)[0], by="stated"),
        market.plan_entry(OPTIONS, sales=10_000, sales_error=0.2, earned_share=0.2),
    ]
    for result in results:
        ax = result.plot()
        assert len(ax.get_title(loc="left") or ax.get_title()) > 25
        plt.close(ax.figure)
        assert result.caveats
        assert all(caveat[0].isupper() and caveat.endswith((".", ")")) for caveat in result.caveats)
