"""A chip driver written from docs/program-format.md, talking to a lab's controller."""
