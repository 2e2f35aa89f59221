"""Handing claims over to an agency or lawyer: columns, files, transports, and what comes back. Services write."""
