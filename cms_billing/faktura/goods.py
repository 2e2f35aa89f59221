"""A door for the shop above: which lines of an invoice are goods from stock, told without faktura knowing stock.

A form that corrects an invoice asks for them, and offers the switch “goes back into stock” for these lines only, on by
default. What became of the goods is written by whoever hears ``signals.lines_corrected``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

StockNotes = Callable[[Sequence[int]], Mapping[int, str]]

_stock_notes: list[StockNotes] = []


def register_stock_notes(function: StockNotes) -> None:
    """``function(line_ids)`` names the lines of invoices that are goods from stock, each with a note for a person.

    Such as ``{17: "1 not shipped yet, 1 shipped"}``, in the active language; the note may be empty.
    """
    _stock_notes[:] = [function]


def stock_notes(line_ids: Sequence[int]) -> Mapping[int, str]:
    """Empty where there is no shop: nothing is kept in stock."""
    return _stock_notes[0](line_ids) if _stock_notes and line_ids else {}
