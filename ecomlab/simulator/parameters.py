"""The parts of a scenario: parameters with their units, each checked for its range."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "AGES",
    "DEVICES",
    "Category",
    "Choice",
    "Competitor",
    "Costs",
    "Creators",
    "Event",
    "Feature",
    "Front",
    "Habits",
    "Live",
    "Loyalty",
    "Mail",
    "Market",
    "Panel",
    "Part",
    "Region",
    "Reviewing",
    "Route",
    "Search",
    "Shoppers",
    "Traps",
]

Share = Annotated[float, Field(ge=0, le=1)]
Dose = Annotated[float, Field(ge=0, le=0.45)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
DEVICES = ("desktop", "mobile", "tablet")
AGES = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")


class Part(BaseModel):
    """A frozen group of parameters; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Region(Part):
    """A sales region: its share of the people, and how it differs."""

    name: str
    population: int = Field(gt=0)
    share: Share
    income_index: Positive = 1.0
    km_to_depot: NonNegative = 0.0
    eco_taste: float = 0.24  # mean of the taste for ecological products, utility
    aware_share: Share | None = None  # on the first day; the scenario's own if left out
    is_new: bool = False  # nobody can buy there until a plan enters it
    elsewhere: float = 0.0  # utility of buying elsewhere, over that in other regions


class Category(Part):
    """A product category. Season is a share of the mean: 0.3 is 30 % above it at the peak."""

    prefix: str = Field(pattern="^[A-Z]{2}$")
    skus: int = Field(ge=1, le=63)
    mean_price: Positive  # currency/unit
    popularity: Positive  # relative weight when shoppers look around
    margin_share: Share  # gross margin over list price
    return_share: Share  # of lines sent back
    weight_kg: Positive
    season: Share = 0.0
    season_peak_day: int = Field(default=1, ge=1, le=366)
    goods: tuple[str, ...] = Field(min_length=1)
    companion: str = ""  # the category whose products are looked at along with it
    stockpiled_share: Share = 0.0  # of purchases at a promotion that replace later ones
    fades_per_year: NonNegative = 0.0  # utility a product loses a year: fashion


class Route(Part):
    """A way to the shop, on an occasion on which a person might come.

    A paid route fires with chance ``reach`` times the person's liking times the response
    ``x**s / (x**s + half**s)`` to the adstock ``x`` of spend, in currency per 1,000 people and
    day: absolute units, so that another plan does not change the curve. A free route fires
    with ``reach`` times liking. Search routes get their reach from :class:`Search`.
    """

    channel: str
    campaign: str = ""  # empty for a free route
    reach: Share = 0.0
    loyal_reach: Share | None = None  # of people who have bought; ``reach`` if left out
    spend: NonNegative = 0.0  # currency per 1,000 people and day, status quo
    half_saturation: NonNegative = 0.0
    slope: Positive = 1.0
    half_life_days: Positive = 0.5
    liking_spread: NonNegative = 0.5  # of the person's liking, log
    click_share: Share = 0.05  # clicks over impressions
    claim_share: Share = 0.0  # of orders it claims on seeing alone, without a click
    brand_effect: NonNegative = 0.0  # how much it makes the shop known, times the response
    fronts: Mapping[str, Positive] = Field(default_factory=dict)  # front -> share of its visits

    @model_validator(mode="after")
    def _paid_routes_are_complete(self) -> Route:
        if self.spend and not (self.half_saturation and self.campaign):
            raise ValueError("a route with spend needs half_saturation and a campaign")
        return self


class Front(Part):
    """A storefront on a platform, with its fee and its rule for returns."""

    fee_share: Share = 0.0  # of what is paid
    return_factor: Positive = 1.0


class Search(Part):
    """What happens on occasions on which a person searches [shares of them]."""

    share: Share  # of occasions that begin with a search
    brand_share_new: Share  # of searches that name the shop, by people who never bought
    brand_share_loyal: Share
    organic_brand: Share = 0.97  # clicks the unpaid result of a brand search [R44]
    organic_first: Share = 0.285  # click share of rank 1; falls as 1/rank [R48]
    click_brand: Share = 0.55  # clicks a brand advertisement that is shown
    click_generic: Share = 0.22
    rank: Positive = 4.0  # mean position in unpaid results
    rank_sd: NonNegative = 0.25  # of its logarithm


class Mail(Part):
    """Mail to known customers who agreed to it."""

    per_week_recent: NonNegative  # mails to recent buyers, status quo
    per_week_others: NonNegative
    recent_days: int = Field(ge=1, le=400)
    open_share: Share = 0.40  # [R51]
    visit_share: Share = 0.033  # of openers who click: 1.3 % of mails [R51]
    fatigue: NonNegative = 0.35  # loss of the open logit for each mail remembered
    fatigue_memory: Share = 0.93  # a day
    unsubscribe: NonNegative = 0.0012  # a mail, times exp(fatigue x mails remembered)
    cost_per_thousand: NonNegative = 1.0


class Creators(Part):
    """Posts of creators: a burst that rises and fades within days."""

    posts_per_week: NonNegative
    fee: NonNegative  # currency per 1,000 people and post, status quo
    reach: Share  # of the route at the peak of a mean post
    elasticity: Positive = 0.45  # of the size of a burst to the fee [R55]
    shape: Positive = 1.6
    scale_days: Positive = 1.8
    quality_sd: NonNegative = 0.7


class Live(Part):
    """Live-selling shows: within the day, at lower prices."""

    shows_per_week: NonNegative
    fee: NonNegative  # currency per 1,000 people and show, status quo
    reach: Share
    half_saturation: Positive
    discount_share: Share = 0.076  # [R57]
    return_factor: Positive = 1.5
    carryover: Share = 0.3  # of the reach, on each next day


class Event(Part):
    """A shopping event: a day by rule, and how the days around it differ (log effects)."""

    month: int = Field(ge=1, le=12)
    day: int | None = Field(default=None, ge=1, le=31)
    weekday: int | None = Field(default=None, ge=0, le=6)  # 0 is Monday
    nth: int = Field(default=1, ge=1, le=4)
    shift_days: int = 0
    peak_days: int = Field(default=1, ge=1, le=28)
    peak: float = 0.0
    before_days: int = Field(default=0, ge=0, le=28)
    before: float = 0.0  # negative where people wait for the event
    after_days: int = Field(default=0, ge=0, le=28)
    after: float = 0.0  # negative where demand was pulled forward
    intent: float = 0.0  # how much readier visitors are to buy at the peak
    promotion_share: Share = 0.0  # of products the shop promotes at the peak

    @model_validator(mode="after")
    def _one_rule(self) -> Event:
        if (self.day is None) == (self.weekday is None):
            raise ValueError("give an event either day or weekday and nth")
        if self.day is not None:
            date(2023, self.month, self.day)  # raises where not every year has the day
        return self


class Loyalty(Part):
    """BG/NBD: orders of those who have bought, and their leaving (Fader, Hardie and Lee 2005).

    Orders a week are gamma with ``r`` and ``alpha`` [weeks]; after each order a person leaves
    for good with a beta chance. Half of a person's rate is oftener coming, half readier buying.
    """

    r: Positive
    alpha: Positive
    a: Positive
    b: Positive
    occasions_per_day: Positive  # of a customer who buys at the mean rate
    readiness: float  # utility that the mean customer is ahead of a newcomer
    before_share: Share  # of people who are customers already on the first day
    before_days: Positive  # mean time since they became customers


class Shoppers(Part):
    """How people come to be customers, and what they are like."""

    occasions_per_day: Positive  # of people who know the shop and never bought
    occasions_shape: Positive  # gamma shape of the same: small is unequal
    price_sensitivity: Positive  # median; minus the price elasticity of choice
    price_sensitivity_spread: NonNegative  # log standard deviation
    income_effect: NonNegative = 0.5  # sensitivity falls with income to this power
    taste_spread: NonNegative = 0.5
    category_spread: NonNegative = 0.6  # of category preferences, log
    eco_spread: NonNegative = 0.93  # of the taste for ecological products [R84]
    aware_share: Share  # of people who know the shop on the first day
    forget_per_day: NonNegative  # share of those aware
    word_of_mouth: NonNegative  # awareness a day, times the share of buyers
    guest_share: Share
    email_share: Share
    login_share: Share  # of a known customer's visits
    device_shares: tuple[Share, Share, Share] = (0.38, 0.55, 0.07)
    device_outside: tuple[float, float, float] = (-0.3, 0.2, 0.0)
    weekday_factors: tuple[Positive, ...] = Field(min_length=7, max_length=7)
    season: Share = 0.0
    season_peak_day: int = Field(default=340, ge=1, le=366)
    half_year_season: Share = 0.0
    growth_per_year: float = 0.0
    shock_sd: NonNegative = 0.0  # of the daily demand shock, log
    shock_memory: Share = 0.0
    region_shock_sd: NonNegative = 0.0  # of the weekly shock of a region, log


class Choice(Part):
    """How visitors choose [utility, unless said otherwise]."""

    outside: float  # of buying nothing here, for a newcomer
    leaves_at_once: Share = 0.36  # of visits that look at no product [P]
    cart_slack: NonNegative  # how far below buying a product still enters the cart
    add_on_outside: float  # at which a further product joins an order half the time
    companion_bonus: float = 0.0  # of add-ons from the companion category
    extra_units: NonNegative  # mean of units beyond the first, a line
    competition: NonNegative = 0.06  # pull of competitors' prices, times sensitivity
    quality_sd: NonNegative = 0.25
    category_shock_sd: NonNegative = 0.0  # weekly
    sku_shock_sd: NonNegative = 0.0  # weekly, of one product
    launch_dip: NonNegative = 1.0  # a new product's handicap, halving every 45 days
    stockpile_days: int = Field(default=30, ge=0, le=90)
    recommender_sd: NonNegative = 1.0  # by which a recommender errs about one product [P]
    recommender_places: int = Field(default=2, ge=1, le=6)  # of the shelf, that it fills


class Competitor(Part):
    """Competitors' prices, by category: they follow costs and, some days later, ours."""

    names: tuple[str, ...] = Field(min_length=1)
    memory: Share = 0.9
    reaction: Share = 0.3
    delay_days: int = Field(default=5, ge=1, le=14)
    cost_share: Share = 0.5  # of the common cost shock passed on
    sd: NonNegative = 0.01


class Feature(Part):
    """Something the shop could build: what it does to visitors [utility]."""

    order: float = 0.0  # readiness to order
    cart: float = 0.0  # readiness to put into the cart only
    novelty: float = 0.0  # of the order effect on the first day, halving every week
    cost_per_day: NonNegative = 0.0


class Habits(Part):
    """The status-quo manager's ordinary ways; what confounds is in :class:`Traps`."""

    spend_noise: NonNegative
    promotion_share: Share  # of products, in an ordinary week
    promotion_depths: tuple[Share, ...] = Field(min_length=1)
    promotion_cost: NonNegative = 0.0  # currency/unit over price, for running a promotion
    cost_pass_through: Share
    coupon_share: Share  # of orders of people who get mail
    coupon_depth: Share
    coached_per_quarter: int = Field(default=0, ge=0, le=400)  # weak products given care
    coaching_effect: float = 0.0  # of the care on utility, for a quarter


class Traps(Part):
    """Doses of the habits that mislead an analyst: 0 is a manager who flips coins.

    price: promotes where demand rises · promotion: promotes at events · search: bids into
    demand · social: shows advertisements to the active · email: mails recent buyers ·
    mix: all budgets follow the season · region: income goes with the taste for ecological
    products · reviews: only strong feelings are written down · targets: cares for products
    after their worst quarter · stock: holds too little of what sells · carriers: gives remote
    regions the better carriers · response: answers easy questions first.
    """

    price: Dose = 0.30
    promotion: Dose = 0.30
    search: Dose = 0.30
    social: Dose = 0.30
    email: Dose = 0.30
    mix: Dose = 0.30
    region: Dose = 0.30
    reviews: Dose = 0.30
    targets: Dose = 0.30
    stock: Dose = 0.30
    carriers: Dose = 0.30
    response: Dose = 0.30


class Reviewing(Part):
    """Who writes a review, of products that arrived as ordered."""

    usual_share: Share = 0.04  # of order lines
    strong_share: Share = 0.10  # more of them, for each step from the mean to the power 1.5
    invited_share: Share = 0.02  # invited by lot, all of whom write
    delay_days: Positive = 9.0


class Market(Part):
    """The whole market that the people buy in, ours and the competitors'."""

    orders_per_year: Positive  # of a person, over all shops and categories
    spread: NonNegative = 0.7  # of persons, log
    age_factors: tuple[Positive, ...] = Field(  # of the orders, by age band [P]
        default=(0.85, 1.20, 1.20, 1.00, 0.80, 0.60), min_length=6, max_length=6
    )
    units_per_order: Positive = 1.9  # over all shops [R24]
    other_shops: NonNegative = 6.0  # pull of all shops unnamed, in competitors of the usual price
    panel_cost: NonNegative = 4.0  # currency a respondent


class Panel(Part):
    """Who answers market research, and how answers differ from what is true [P but where marked].

    The online panel's members are young, mobile and buy much; ``random`` asks everybody, and
    the old answer more often; ``customers`` are named customers on the day, all of whom answer.
    """

    member_share: Share = 0.25  # of people in the online panel, times the three tilts below
    member_ages: tuple[Positive, ...] = Field(
        default=(1.7, 1.4, 1.1, 0.8, 0.55, 0.35), min_length=6, max_length=6
    )
    member_devices: tuple[Positive, Positive, Positive] = (0.7, 1.25, 0.9)
    member_heavy: NonNegative = 0.6  # power of a person's orders a year over the market's mean
    response_shares: tuple[Share, ...] = Field(  # of people asked at random, by age band
        default=(0.22, 0.28, 0.36, 0.45, 0.54, 0.60), min_length=6, max_length=6
    )
    price_inflation: Positive = 1.21  # willingness to pay, stated over true (Schmidt, Bijmolt 2020)
    eco_inflation: Positive = 1.6  # the same for ecological claims [M]
    desirability: NonNegative = 0.03  # added to the stated eco premium [share]
    acquiescence: NonNegative = 0.3  # points that agreement adds on a scale of five, mean and sd
    intention_overstatement: NonNegative = 1.2  # added to the logit of the chance to buy
    recall: Positive = 0.9  # orders remembered over orders placed
    recall_sd: NonNegative = 0.25  # of the same, log
    round_share: Share = 0.8  # of people who answer in round numbers
    straightline_share: Share = 0.06  # of people who tick the same box throughout
    unaided_share: Share = 0.25  # of those who know the shop, names it unprompted; of buyers thrice
    prompted_share: Share = 0.12  # of those who do not know it, says yes when shown the name
    tasks: int = Field(default=10, ge=2, le=30)  # choices a respondent makes in a conjoint study
    coder_accuracy: tuple[Share, Share] = (0.88, 0.80)  # statements a coder gives the true theme


class Costs(Part):
    """What orders cost beside the goods, in the store's currency."""

    shipping_fee: NonNegative
    free_shipping_from: NonNegative
    per_parcel: NonNegative
    per_kg: NonNegative
    payment_share: Share
    payment_fee: NonNegative
    per_return: NonNegative
    fixed_per_1000_people: NonNegative  # a day
    cost_index_sd: NonNegative
    media_index_q4: Positive
    failed_share: Share
    pending_share: Share
    cancelled_share: Share
    resale_share: Share
    experiment_per_1000_people: NonNegative = 3.0  # to set one up
    recommender_per_1000_people: NonNegative = 0.3  # a day, while it runs [P]
