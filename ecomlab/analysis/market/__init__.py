"""Chapter 02: how big the market is, who is in it, what they want and who else sells."""

from ecomlab.analysis.market.agreement import Agreement, measure_agreement
from ecomlab.analysis.market.calibration import Calibration, calibrate_answers, correct_answer
from ecomlab.analysis.market.choice import ChoiceFit, fit_choice, predict_shares
from ecomlab.analysis.market.competitors import (
    PriceIndex,
    compare_prices,
    compare_ranges,
    track_prices,
)
from ecomlab.analysis.market.concentration import (
    Concentration,
    compare_voice,
    measure_concentration,
)
from ecomlab.analysis.market.entry import EntryPlan, plan_entry
from ecomlab.analysis.market.mixed import draw_tastes, fit_mixed_choice
from ecomlab.analysis.market.payers import Payers, predict_payers
from ecomlab.analysis.market.positioning import PositionMap, map_counts, map_positions
from ecomlab.analysis.market.raking import Raking, WeightedMean, estimate_weighted_mean, rake
from ecomlab.analysis.market.reaction import Reaction, estimate_reaction
from ecomlab.analysis.market.regions import draw_region_map
from ecomlab.analysis.market.repricing import Repricing, plan_repricing
from ecomlab.analysis.market.revealed import calibrate_tastes
from ecomlab.analysis.market.sampling import SamplePlan, plan_sample
from ecomlab.analysis.market.saturation import Saturation, measure_saturation
from ecomlab.analysis.market.segments import Segments, compare_segment_counts, find_segments
from ecomlab.analysis.market.sizing import MarketSize, size_market
from ecomlab.analysis.market.strata import (
    StratifiedMean,
    allocate_sample,
    estimate_stratified_mean,
)
from ecomlab.analysis.market.taste import TasteForecast, forecast_taste
from ecomlab.analysis.market.themes import Themes, find_themes
from ecomlab.analysis.market.wtp import Willingness, estimate_willingness

__all__ = [
    "Agreement",
    "Calibration",
    "ChoiceFit",
    "Concentration",
    "EntryPlan",
    "MarketSize",
    "Payers",
    "PositionMap",
    "PriceIndex",
    "Raking",
    "Reaction",
    "Repricing",
    "SamplePlan",
    "Saturation",
    "Segments",
    "StratifiedMean",
    "TasteForecast",
    "Themes",
    "WeightedMean",
    "Willingness",
    "allocate_sample",
    "calibrate_answers",
    "calibrate_tastes",
    "compare_prices",
    "compare_ranges",
    "compare_segment_counts",
    "compare_voice",
    "correct_answer",
    "draw_region_map",
    "draw_tastes",
    "estimate_reaction",
    "estimate_stratified_mean",
    "estimate_weighted_mean",
    "estimate_willingness",
    "find_segments",
    "find_themes",
    "fit_choice",
    "fit_mixed_choice",
    "forecast_taste",
    "map_counts",
    "map_positions",
    "measure_agreement",
    "measure_concentration",
    "measure_saturation",
    "plan_entry",
    "plan_repricing",
    "plan_sample",
    "predict_payers",
    "predict_shares",
    "rake",
    "size_market",
    "track_prices",
]
