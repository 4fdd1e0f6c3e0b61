"""Chapter 04: what each channel really adds, and where the next unit of money goes."""

from ecomlab.analysis.marketing.allocate import (
    Allocation,
    allocate_budget,
)
from ecomlab.analysis.marketing.attribution import (
    Attribution,
    attribute_paths,
)
from ecomlab.analysis.marketing.creators import (
    CreatorCard,
    PostResponse,
    score_creators,
    trace_posts,
)
from ecomlab.analysis.marketing.cuped import (
    Adjustment,
    adjust_outcomes,
)
from ecomlab.analysis.marketing.fatigue import (
    Fatigue,
    FrequencyPlan,
    measure_fatigue,
    plan_mail_frequency,
)
from ecomlab.analysis.marketing.geo import (
    GeoReading,
    ReturnLadder,
    compare_returns,
    read_geo_test,
)
from ecomlab.analysis.marketing.launch import (
    Launch,
    estimate_launch,
)
from ecomlab.analysis.marketing.mail_days import (
    collect_mail_days,
)
from ecomlab.analysis.marketing.mix import (
    MixFit,
    fit_mix,
)
from ecomlab.analysis.marketing.mix_prior import (
    LiftTest,
    MixPrior,
)
from ecomlab.analysis.marketing.paths import (
    collect_paths,
)
from ecomlab.analysis.marketing.peeking import (
    TestWatch,
    compute_false_find_share,
    watch_test,
)
from ecomlab.analysis.marketing.seo import (
    ClickCurve,
    find_keyword_opportunities,
    fit_click_curve,
)
from ecomlab.analysis.marketing.several import (
    judge_metrics,
)
from ecomlab.analysis.marketing.targeting import (
    Targeting,
    compare_targeting,
)
from ecomlab.analysis.marketing.trial import (
    RatioPlan,
    TestPlan,
    TestReading,
    plan_ratio_check,
    plan_test,
    read_test,
)
from ecomlab.analysis.marketing.uplift import (
    QiniCurve,
    ResponseModel,
    UpliftModel,
    measure_qini,
)
from ecomlab.analysis.marketing.weeks import (
    list_controls,
    sum_media_weeks,
)

__all__ = [
    "Adjustment",
    "Allocation",
    "Attribution",
    "ClickCurve",
    "CreatorCard",
    "Fatigue",
    "FrequencyPlan",
    "GeoReading",
    "Launch",
    "LiftTest",
    "MixFit",
    "MixPrior",
    "PostResponse",
    "QiniCurve",
    "RatioPlan",
    "ResponseModel",
    "ReturnLadder",
    "Targeting",
    "TestPlan",
    "TestReading",
    "TestWatch",
    "UpliftModel",
    "adjust_outcomes",
    "allocate_budget",
    "attribute_paths",
    "collect_mail_days",
    "collect_paths",
    "compare_returns",
    "compare_targeting",
    "compute_false_find_share",
    "estimate_launch",
    "find_keyword_opportunities",
    "fit_click_curve",
    "fit_mix",
    "judge_metrics",
    "list_controls",
    "measure_fatigue",
    "measure_qini",
    "plan_mail_frequency",
    "plan_ratio_check",
    "plan_test",
    "read_geo_test",
    "read_test",
    "score_creators",
    "sum_media_weeks",
    "trace_posts",
    "watch_test",
]
