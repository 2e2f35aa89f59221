from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Warning, register


@register("cms_billing", deploy=True)
def tools_stay_out_of_production(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [
        Warning(
            "cms_billing.testing is installed: fake payments and a clock that can be moved belong to test sites.",
            hint="Take it out of INSTALLED_APPS for production.",
            id="cms_billing.W080",
        )
    ]
