"""News for the apps above.

Sent after commit; a receiver that fails is logged and undoes nothing:

``documents_issued``    ``document_ids``: issued together in one transaction
``document_archived``   ``document_id``: its PDF is in the archive
``document_settled``    ``document_id``, ``customer_id``, ``day``: its open amount fell to zero
``document_reopened``   ``document_id``, ``customer_id``, ``day``: it was settled and is owed again
``document_paid_in_part``  the same and ``amount_minor``: so much was paid or credited, and some of it is still owed
``document_cancelled``  ``document_id``, ``cancellation_id``

Sent inside the transaction; receivers write with it, and what they raise undoes it:

``lines_corrected``     ``document``: a correction just issued, ``today``, ``user``; its lines say in ``corrects_line``,
                        ``returned`` and ``restock`` what came back
``document_sent_again`` ``document``, ``to``: an address, "" for paper, ``reason``, ``user``: a person had an archived
                        document sent once more
"""

from django.dispatch import Signal

documents_issued = Signal()
document_archived = Signal()
document_settled = Signal()
document_reopened = Signal()
document_paid_in_part = Signal()
document_cancelled = Signal()
lines_corrected = Signal()
document_sent_again = Signal()
