"""For the tests of this package and of integrators: factories, fake providers, the time machine."""
