from .order_payments import show_payment, show_payments_of_order, show_refund
from .order_trail import close_credited_orders, close_orders_after_commit
from .orders import bill_order, record_sale
from .shipping import ship_order
from .stock import rebook_goods

__all__ = [
    "bill_order",
    "close_credited_orders",
    "close_orders_after_commit",
    "rebook_goods",
    "record_sale",
    "ship_order",
    "show_payment",
    "show_payments_of_order",
    "show_refund",
]
