"""System checks of the shop."""
