"""Chapter 03: which products to list, to push, to price how, and to let go."""

from ecomlab.analysis.product.associations import find_associations, screen_associations
from ecomlab.analysis.product.assortment import (
    Assortment,
    choose_assortment,
    list_best_sellers,
    value_assortment,
)
from ecomlab.analysis.product.bass import BassFit, fit_bass
from ecomlab.analysis.product.cross_price import CrossElasticity, estimate_cross_elasticity
from ecomlab.analysis.product.delist import DelistPlan, find_delist_candidates, plan_delist_test
from ecomlab.analysis.product.elasticity import Elasticity, estimate_elasticity
from ecomlab.analysis.product.gabor_granger import (
    DemandCurve,
    build_purchase_answers,
    estimate_demand_curve,
)
from ecomlab.analysis.product.line import (
    GrowthShareMap,
    ProductClasses,
    classify_products,
    map_growth_share,
)
from ecomlab.analysis.product.price_range import PriceRange, find_price_range
from ecomlab.analysis.product.pricing import (
    PricePlan,
    build_price_ladder,
    list_price_points,
    plan_prices,
)
from ecomlab.analysis.product.stages import (
    STAGES,
    LifeStages,
    advise_by_stage,
    confuse_stages,
    stage_products,
)
from ecomlab.analysis.product.surge import SurgeWatch, watch_surges
from ecomlab.analysis.product.switching import Switching, measure_switching

__all__ = [
    "STAGES",
    "Assortment",
    "BassFit",
    "CrossElasticity",
    "DelistPlan",
    "DemandCurve",
    "Elasticity",
    "GrowthShareMap",
    "LifeStages",
    "PricePlan",
    "PriceRange",
    "ProductClasses",
    "SurgeWatch",
    "Switching",
    "advise_by_stage",
    "build_price_ladder",
    "build_purchase_answers",
    "choose_assortment",
    "classify_products",
    "confuse_stages",
    "estimate_cross_elasticity",
    "estimate_demand_curve",
    "estimate_elasticity",
    "find_associations",
    "find_delist_candidates",
    "find_price_range",
    "fit_bass",
    "list_best_sellers",
    "list_price_points",
    "map_growth_share",
    "measure_switching",
    "plan_delist_test",
    "plan_prices",
    "screen_associations",
    "stage_products",
    "value_assortment",
    "watch_surges",
]
