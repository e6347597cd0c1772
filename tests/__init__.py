"""The tests of imssa; the folders mirror `src/imssa`."""
