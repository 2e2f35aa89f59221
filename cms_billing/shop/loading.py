"""Oscar's class loader, with this package's price strategy in it.

Oscar asks for classes by name; a site replaces one by forking the app it is in. Forking ``partner`` for its strategy
would make the site carry Oscar's migrations, so this loader says one word instead::

    OSCAR_DYNAMIC_CLASS_LOADER = "cms_billing.shop.loading.load_classes"

A site that has forked ``partner`` leaves the setting out and derives its own ``Selector`` from
``cms_billing.shop.strategy.Selector``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oscar.core.loading import default_class_loader


def load_classes(module_label: str, classnames: Sequence[str], module_prefix: str) -> list[Any]:
    classes = list(default_class_loader(module_label, classnames, module_prefix))
    if module_label == "partner.strategy" and "Selector" in classnames:
        from .strategy import Selector

        classes[list(classnames).index("Selector")] = Selector
    return classes
