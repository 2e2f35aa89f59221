"""Plans and contracts in Wagtail's admin."""

from .contracts import ContractViewSet, contracts_of_customer, customer_actions
from .plans import PlanViewSet

__all__ = ["ContractViewSet", "PlanViewSet", "contracts_of_customer", "customer_actions"]
