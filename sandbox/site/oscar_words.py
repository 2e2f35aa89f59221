"""Words in Oscar's shop pages that its German catalogue lacks or gets wrong.

Named here so that ``makemessages`` finds them; ``sandbox/locale/de`` says them in German.
"""

from django.utils.translation import gettext_noop, pgettext_lazy

WORDS = [
    gettext_noop("Update"),
    gettext_noop("No emails found"),
    gettext_noop("Order not found"),
    gettext_noop("Enter the following information you used for this order"),
    gettext_noop("Submit"),
    gettext_noop("Items to buy now"),
    gettext_noop("Free shipping"),
    gettext_noop("Place order"),
    gettext_noop("Order total"),
    gettext_noop("State/County"),
    gettext_noop("First line of address"),
    gettext_noop("Log In"),
    gettext_noop("Login or register"),
    gettext_noop("Available"),
    pgettext_lazy("Buy again", "Re-order"),
    pgettext_lazy("Buy again", "Re-ordering..."),
    pgettext_lazy("Buy again", "Re-order all items"),
]
