"""Lists of e-mail addresses as editors write them: separated by commas, semicolons or line breaks."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

# In a list that could be inherited: nobody, also where the level above names somebody.
NOBODY = "-"
MOST = 10

_BETWEEN = re.compile(r"[,;\s]+")


def split_addresses(text: str) -> tuple[str, ...]:
    """``"a@b.c; d@e.f"`` as a tuple, each address once, in the order written; ``-`` is nobody."""
    found = (address for address in _BETWEEN.split(text.strip()) if address and address != NOBODY)
    return tuple(dict.fromkeys(found))


def validate_addresses(text: str) -> None:
    """Raises ValidationError that names what is no address."""
    addresses = split_addresses(text)
    if len(addresses) > MOST:
        raise ValidationError(_("Write up to %(n)s addresses."), params={"n": MOST}, code="too_many")
    for address in addresses:
        try:
            validate_email(address)
        except ValidationError as error:
            raise ValidationError(
                _("“%(address)s” is no e-mail address."), params={"address": address}, code="invalid"
            ) from error
