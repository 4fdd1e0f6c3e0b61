"""Market analysis in numbers: what people choose, and what it is worth to them."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from matplotlib.axes import Axes
from statsmodels.discrete.conditional_models import ConditionalLogit

from ecomlab.analysis import market

BETA = {"price": -0.8, "eco": 0.6, "fine": 0.3}


def choices(
    seed: int, *, people: int = 60, tasks: int = 8, eco_spread: float = 0.0
) -> pd.DataFrame:
    """Choices of people with known part-worths; they may differ in how they like eco."""
    rng = np.random.default_rng(seed)
    rows = people * tasks * 3
    shown = pd.DataFrame(
        {
            "respondent_id": np.arange(rows) // (3 * tasks),
            "task_id": np.arange(rows) // 3,
            "price": rng.choice([1.0, 2.0, 3.0], rows),
            "eco": rng.integers(0, 2, rows),
            "fine": rng.choice([-1, 0, 1], rows),
        }
    )
    taste = BETA["eco"] + eco_spread * rng.normal(size=people)
    utility = (
        BETA["price"] * shown["price"] + taste[shown["respondent_id"]] * shown["eco"]
        + BETA["fine"] * shown["fine"] + rng.gumbel(size=rows)
    )  # fmt: skip
    best = utility.groupby(shown["task_id"]).transform("max")
    return shown.assign(chosen=(utility == best).astype(int))


# --- part-worths -------------------------------------------------------------------------------


def test_the_fit_of_the_travel_modes_is_that_of_greene():
    """Greene, Econometric Analysis, 5th ed. 2003, table 21.11 (210 travellers, four modes)."""
    travel = sm.datasets.modechoice.load_pandas().data
    for code, mode in ((1.0, "air"), (2.0, "train"), (3.0, "bus")):
        travel[mode] = (travel["mode"] == code).astype(int)
    travel = travel.rename(columns={"individual": "task_id", "choice": "chosen"})
    travel["air_income"] = travel["hinc"] * travel["air"]
    names = ["gc", "ttme", "air_income", "air", "train", "bus"]
    fit = market.fit_choice(travel, attributes=names)
    np.testing.assert_allclose(
        fit.table["coefficient"], [-0.01550, -0.09612, 0.01329, 5.207, 3.869, 3.163], rtol=5e-4
    )
    np.testing.assert_allclose(
        fit.table["standard_error"], [0.00441, 0.0104, 0.0103, 0.779, 0.443, 0.450], rtol=5e-3
    )
    assert fit.log_likelihood == pytest.approx(-199.1284, abs=1e-4)
    assert fit.null_log_likelihood == pytest.approx(-291.1218, abs=1e-4)


def test_the_fit_agrees_with_the_conditional_logit_of_statsmodels():
    told = choices(1)
    ours = market.fit_choice(told, attributes=list(BETA))
    theirs = ConditionalLogit(told["chosen"], told[list(BETA)], groups=told["task_id"]).fit(disp=0)
    np.testing.assert_allclose(ours.table["coefficient"], theirs.params, rtol=1e-3)  # BFGS
    np.testing.assert_allclose(ours.table["standard_error"], theirs.bse, rtol=2e-3)


def test_the_likelihood_is_the_slow_sum_over_tasks_and_has_no_better_neighbour():
    told = choices(2, people=15)
    fit = market.fit_choice(told, attributes=list(BETA))

    def slow(beta: np.ndarray) -> float:
        total = 0.0
        for _, task in told.groupby("task_id"):
            value = [float(np.dot(beta, row)) for row in task[list(BETA)].to_numpy()]
            taken = task["chosen"].tolist().index(1)
            total += value[taken] - np.log(sum(np.exp(v) for v in value))
        return total

    best = fit.table["coefficient"].to_numpy()
    assert fit.log_likelihood == pytest.approx(slow(best))
    for step in 1e-3 * np.vstack([np.eye(3), -np.eye(3)]):
        assert slow(best + step) < fit.log_likelihood


def test_intervals_cover_the_part_worths_and_the_willingness_to_pay():
    part, worth = np.zeros(3), {"fieller": 0, "delta": 0, "krinsky_robb": 0}
    runs, true = 120, np.array(list(BETA.values()))
    for seed in range(runs):
        fit = market.fit_choice(choices(seed), attributes=list(BETA))
        part += fit.table["low"].lt(true) & fit.table["high"].gt(true)
        for method in worth:
            found = market.estimate_willingness(fit, price="price", method=method).table.iloc[0]
            worth[method] += found["low"] <= 0.6 / 0.8 <= found["high"]
    for hits in (*part, *worth.values()):
        assert 0.88 <= hits / runs <= 1.0  # binomial sd 0.02


def test_answers_that_are_copied_do_not_make_clustered_errors_smaller():
    told = choices(3, eco_spread=1.0)
    copies = pd.concat([told.assign(task_id=told["task_id"] + i * 10_000) for i in range(4)])
    one, four = (
        {errors: market.fit_choice(d, attributes=list(BETA), errors=errors).table["standard_error"]
         for errors in ("classical", "clustered")} for d in (told, copies)
    )  # fmt: skip
    np.testing.assert_allclose(four["classical"], one["classical"] / 2, rtol=1e-6)
    np.testing.assert_allclose(four["clustered"], one["clustered"], rtol=1e-6)
    assert one["clustered"][1] > 1.2 * one["classical"][1]  # eco, in which people differ


def test_clustered_errors_are_the_sandwich_added_up_person_by_person():
    told = choices(3, people=20, eco_spread=1.0)
    fit = market.fit_choice(told, attributes=list(BETA), errors="clustered")
    bread = market.fit_choice(told, attributes=list(BETA)).covariance.to_numpy()
    beta, meat = fit.table["coefficient"].to_numpy(), np.zeros((3, 3))
    for _, mine in told.groupby("respondent_id"):
        score = np.zeros(3)
        for _, task in mine.groupby("task_id"):
            shown, chance = task[list(BETA)].to_numpy(), np.exp(task[list(BETA)] @ beta)
            score += shown.T @ (task["chosen"] - chance / chance.sum()).to_numpy()
        meat += np.outer(score, score) * 20 / 19  # the usual correction for few people
    np.testing.assert_allclose(fit.covariance, bread @ meat @ bread, rtol=1e-6)


def test_rows_in_any_order_give_the_same_fit_and_units_scale_through():
    told = choices(4)
    one = market.fit_choice(told, attributes=list(BETA), errors="clustered").table
    mixed_up = told.sample(frac=1, random_state=0).assign(price=lambda d: d["price"] * 100)
    other = market.fit_choice(mixed_up, attributes=list(BETA), errors="clustered").table
    scale = np.array([100, 1, 1])
    np.testing.assert_allclose(other["coefficient"] * scale, one["coefficient"], rtol=1e-6)
    np.testing.assert_allclose(other["standard_error"] * scale, one["standard_error"], rtol=1e-6)


def test_choices_predicted_perfectly_have_no_estimate_and_the_attribute_is_named():
    told = choices(5, people=10)
    best = told.groupby("task_id")["fine"].transform("max")
    first = told[told["fine"] == best].groupby("task_id").head(1).index
    always = told.assign(chosen=0)
    always.loc[first, "chosen"] = 1
    with pytest.raises(ValueError, match=r"not estimated, because .*fine.* predict.*perfectly"):
        market.fit_choice(always, attributes=list(BETA))


def test_attributes_that_cannot_be_told_apart_are_named():
    told = choices(6).assign(cents=lambda d: 100 * d["price"] + d["task_id"] % 7)
    with pytest.raises(ValueError, match=r"not estimated, because within tasks .*collinear"):
        market.fit_choice(told, attributes=["price", "eco", "cents"])
    with pytest.raises(ValueError, match=r"choices.season: .* never differs within a task"):
        market.fit_choice(told.assign(season=told["task_id"]), attributes=["price", "season"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"chosen": 0}, "480 tasks have not exactly one choice"),
        ({"chosen": 2}, "choices.chosen: 1440 rows are neither 0 nor 1"),
        ({"eco": np.nan}, "choices.eco: 1440 rows are not finite"),
        ({"task_id": range(1440)}, "not exactly one choice|only one alternative"),
    ],
)
def test_choices_that_cannot_be_read_are_refused_by_name(change, words):
    with pytest.raises(ValueError, match=words):
        market.fit_choice(choices(1).assign(**change), attributes=list(BETA))


def test_a_missing_column_and_an_empty_frame_are_refused_by_name():
    with pytest.raises(ValueError, match=r"choices.brand: the column is missing"):
        market.fit_choice(choices(1), attributes=["brand"])
    with pytest.raises(ValueError, match="choices: the frame is empty"):
        market.fit_choice(choices(1).head(0), attributes=["price"])


def test_shares_predicted_are_those_of_the_tasks_on_average():
    """With a constant for it, a logit gives back the observed share of an alternative."""
    told = choices(7).assign(first=lambda d: (np.arange(len(d)) % 3 == 0).astype(int))
    fit = market.fit_choice(told, attributes=[*BETA, "first"])
    shares = told.groupby("task_id", group_keys=False)[[*BETA, "first"]].apply(
        lambda offers: market.predict_shares(fit, offers)
    )
    mean = shares.loc[shares["first"] == 1, "choice_share"].mean()
    assert mean == pytest.approx(told.loc[told["first"] == 1, "chosen"].mean(), abs=1e-6)


# --- willingness to pay ------------------------------------------------------------------------


def test_fieller_holds_exactly_the_ratios_that_a_test_lets_stand():
    fit = market.fit_choice(choices(8, people=20), attributes=list(BETA))
    found = market.estimate_willingness(fit, price="price").table.set_index("attribute")
    value = fit.table.set_index("attribute")["coefficient"]
    for worth in np.linspace(-1, 3, 81):
        turn = np.array([worth, 1.0])
        spread = fit.covariance.loc[["price", "eco"], ["price", "eco"]].to_numpy()
        z = (turn @ value[["price", "eco"]].to_numpy()) / np.sqrt(turn @ spread @ turn)
        stands = abs(z) <= 1.959964
        assert stands == (found.loc["eco", "low"] <= worth <= found.loc["eco", "high"])


def test_the_three_intervals_agree_where_the_price_is_sure_and_the_logarithm_is_a_share():
    fit = market.fit_choice(choices(9, people=300), attributes=list(BETA))
    rows = [market.estimate_willingness(fit, price="price", method=m).table.iloc[0]
            for m in ("fieller", "delta", "krinsky_robb")]  # fmt: skip
    for other in rows[1:]:
        np.testing.assert_allclose(
            other[["low", "high"]].astype(float), rows[0][["low", "high"]].astype(float), atol=0.015
        )
    share = market.estimate_willingness(fit, price="price", price_scale="log").table.iloc[0]
    assert share["low"] == pytest.approx(np.expm1(rows[0]["low"]))


def test_a_price_that_attracts_or_is_unknown_gives_no_willingness():
    told = choices(10)
    fit = market.fit_choice(told.assign(price=-told["price"]), attributes=list(BETA))
    with pytest.raises(ValueError, match="likes to pay"):
        market.estimate_willingness(fit, price="price")
    rng = np.random.default_rng(0)
    noise = told.assign(price=rng.normal(size=len(told)))
    blurred = market.fit_choice(noise, attributes=list(BETA))
    sign = np.sign(blurred.table["coefficient"].iloc[0])
    unsure = market.fit_choice(noise.assign(price=-sign * noise["price"]), attributes=list(BETA))
    with pytest.raises(ValueError, match="not estimated, because its coefficient cannot be told"):
        market.estimate_willingness(unsure, price="price")


# --- people who differ -------------------------------------------------------------------------


def test_where_people_differ_the_plain_logit_is_too_small_and_the_mixed_one_is_not():
    told = choices(11, people=200, tasks=8, eco_spread=2.0)
    plain = market.fit_choice(told, attributes=list(BETA))
    mixed = market.fit_mixed_choice(
        told, attributes=list(BETA), spreads={"eco": "normal"}, draws=64
    )
    price = plain.table["coefficient"].iloc[0]
    assert price > -0.8 + 2 * plain.table["standard_error"].iloc[0]
    row = mixed.table.set_index("attribute").loc["eco"]
    assert abs(mixed.table["coefficient"].iloc[0] + 0.8) < 2 * mixed.table["standard_error"].iloc[0]
    assert abs(row["spread"] - 2) < 2 * row["spread_standard_error"]
    assert mixed.log_likelihood > plain.log_likelihood + 20


def test_the_simulated_likelihood_and_its_gradient_are_the_slow_ones():
    from ecomlab.analysis.market import mixed

    told = choices(12, people=4, tasks=3, eco_spread=1.0)
    shapes = {"eco": "normal", "price": "negative"}
    model = mixed._model(told, list(BETA), shapes, 16, 0)
    at = np.array([-0.3, 0.5, 0.2, 0.4, 0.9])
    total = 0.0
    for person in range(4):
        chance = np.zeros(16)
        for draw in range(16):
            price = -np.exp(at[0] + at[3] * model.draws[person, 0, draw])
            eco = at[1] + at[4] * model.draws[person, 1, draw]
            chance[draw] = 1.0
            for _, task in told[told["respondent_id"] == person].groupby("task_id"):
                value = np.exp(price * task["price"] + eco * task["eco"] + 0.2 * task["fine"])
                chance[draw] *= (value * task["chosen"]).sum() / value.sum()
        total += np.log(chance.mean())
    minus, slope = mixed._minus(model, at)
    assert minus == pytest.approx(-total)
    for k in range(5):
        step = np.zeros(5)
        step[k] = 1e-5
        rise = mixed._minus(model, at + step)[0] - mixed._minus(model, at - step)[0]
        assert slope[k] == pytest.approx(rise / 2e-5, abs=1e-6)


def test_a_log_normal_part_worth_has_the_sign_it_was_given():
    told = choices(13, people=100)
    fit = market.fit_mixed_choice(
        told, attributes=list(BETA), spreads={"price": "negative"}, draws=32
    )
    assert fit.table["coefficient"].iloc[0] == pytest.approx(-0.8, abs=0.25)
    with pytest.raises(ValueError, match=r"spreads: \['brand'\]"):
        market.fit_mixed_choice(told, attributes=list(BETA), spreads={"brand": "normal"})
    with pytest.raises(ValueError, match=r"choices.respondent_id: the column is missing"):
        market.fit_mixed_choice(told.drop(columns="respondent_id"), attributes=list(BETA),
                                spreads={"eco": "normal"})  # fmt: skip


def test_a_persons_draws_are_weighted_by_bayes_rule():
    told = choices(14, people=30, tasks=4, eco_spread=1.5)
    fit = market.fit_mixed_choice(told, attributes=list(BETA), spreads={"eco": "normal"}, draws=64)
    tastes = market.draw_tastes(fit, told, draws=32)
    beta = fit.table.set_index("attribute")["coefficient"]
    mine = tastes[tastes["respondent_id"] == 7]
    chance = []
    for eco in mine["eco"]:
        value = told.assign(
            u=np.exp(
                beta["price"] * told["price"] + eco * told["eco"] + beta["fine"] * told["fine"]
            )
        )[told["respondent_id"] == 7]
        total = value.groupby("task_id")["u"].transform("sum")
        chance.append((value["u"] / total)[value["chosen"] == 1].prod())
    np.testing.assert_allclose(mine["weight"], np.array(chance) / sum(chance), rtol=1e-6)
    assert np.allclose(tastes.groupby("respondent_id")["weight"].sum(), 1)
    with pytest.raises(ValueError, match="people do not differ in it"):
        market.draw_tastes(market.fit_choice(told, attributes=list(BETA)), told)


def test_the_share_of_a_stated_taste_that_shows_in_purchases_is_covered():
    """Tastes are stated twice as large as they are; what is unsure of each is averaged over."""
    hits, naive = 0, []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        stated = 1 + 2 * rng.normal(size=150)
        guess = stated[:, None] + rng.normal(size=(150, 1)) + rng.normal(size=(150, 40))
        # with a flat prior the draws about the noisy guess are the posterior
        tastes = pd.DataFrame({"respondent_id": np.repeat(np.arange(150), 40),
                               "draw": np.tile(np.arange(40), 150), "weight": 1 / 40,
                               "eco": guess.ravel()})  # fmt: skip
        shrunk = np.exp(-((guess - 1) ** 2) / 8)  # the prior: mean 1, variance 4
        tastes["weight"] = (shrunk / shrunk.sum(axis=1, keepdims=True)).ravel()
        who = np.repeat(np.arange(150), 4)
        has = rng.random(600) < 1 / (1 + np.exp(1 - 0.5 * stated[who]))
        bought = pd.DataFrame({"respondent_id": who, "has": has.astype(int)})
        found = market.calibrate_tastes(tastes, bought, attribute="eco")
        hits += found.low <= 0.5 <= found.high
        naive.append(found.factor)
    assert hits >= 52  # of 60 at level .95: fewer once in 5,000
    assert np.mean(naive) == pytest.approx(0.5, abs=0.03)


def test_the_share_that_pays_a_premium_is_that_of_people_drawn_one_by_one():
    told = choices(15, people=150, eco_spread=1.5)
    fit = market.fit_mixed_choice(
        told, attributes=list(BETA), spreads={"eco": "normal", "price": "negative"}, draws=64
    )
    half = market.Calibration(table=pd.DataFrame(), factor=0.5, low=0, high=1, standard_error=0.0,
                              pairs=1, level=0.95)  # fmt: skip
    found = market.predict_payers(fit, attribute="eco", log_price="price", calibration=half)
    row = fit.table.set_index("attribute")
    rng = np.random.default_rng(0)
    taste = row.loc["eco", "coefficient"] + row.loc["eco", "spread"] * rng.normal(size=200_000)
    sd = np.sqrt(np.log1p((row.loc["price", "spread"] / row.loc["price", "coefficient"]) ** 2))
    price = -row.loc["price", "coefficient"] * np.exp(sd * rng.normal(size=200_000) - sd**2 / 2)
    for line in found.table.itertuples():
        pays = np.mean(0.5 * taste >= price * np.log1p(line.premium_share))
        assert line.payers_share == pytest.approx(pays, abs=0.005)
        assert line.low < line.payers_share < line.high
    assert "would pay 10 % more for eco" in title(found.plot())
    with pytest.raises(ValueError, match="people do not differ in fine"):
        market.predict_payers(fit, attribute="fine", log_price="price")


def test_purchases_that_tell_nothing_of_a_taste_are_refused_by_name():
    tastes = pd.DataFrame({"respondent_id": [1, 2], "draw": 0, "weight": 1.0, "eco": [0.0, 1.0]})
    alike = pd.DataFrame({"respondent_id": [1, 2], "has": [1, 1]})
    with pytest.raises(ValueError, match=r"purchases.has: not estimated, because all"):
        market.calibrate_tastes(tastes, alike, attribute="eco")
    with pytest.raises(ValueError, match="none of the respondents bought anything"):
        market.calibrate_tastes(tastes, alike.assign(respondent_id=9), attribute="eco")


# --- pictures ----------------------------------------------------------------------------------


def title(ax: Axes) -> str:
    return "".join(ax.get_title(loc=place) for place in ("left", "center"))


def test_pictures_say_what_was_found():
    fit = market.fit_choice(choices(1, people=200), attributes=list(BETA))
    assert title(fit.plot()).startswith("price deters most")
    worth = market.estimate_willingness(fit, price="price")
    assert "eco makes up for a price 0.67 higher (0.5 to 0.852)" in title(worth.plot())
