"""Pages of long lists: the last page costs what the first does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.core.paginator import Page
from django.db.models import QuerySet
from django.utils.functional import cached_property
from wagtail.admin.paginator import WagtailPaginator

# The rows with these keys, in any order, with all that a page shows of them.
Fetch = Callable[[Sequence[Any]], QuerySet[Any]]


class LongListPaginator(WagtailPaginator):
    """Looks up the keys of a page first, from whichever end of the list is nearer, and then only its rows.

    So what the rows of a page need – joins, annotations – is worked out for those rows, not for all that are skipped.
    ``known_count`` is given where somebody has counted already.
    """

    def __init__(
        self, object_list: Any, per_page: Any, *, fetch: Fetch, known_count: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(object_list, per_page, **kwargs)
        self.fetch, self.known_count = fetch, known_count

    @cached_property
    def count(self) -> int:
        return self.object_list.count() if self.known_count is None else self.known_count

    def page(self, number: Any) -> Page:
        number = self.validate_number(number)
        begin = (number - 1) * self.per_page
        keys = self._keys(begin, min(begin + self.per_page, self.count))
        found = {row.pk: row for row in self.fetch(keys)}
        return self._get_page([found[key] for key in keys if key in found], number, self)

    def _keys(self, begin: int, end: int) -> list[Any]:
        keys = self.object_list.values_list("pk", flat=True)
        if begin + end <= self.count:
            return list(keys[begin:end])
        return list(keys.reverse()[self.count - end : self.count - begin])[::-1]
