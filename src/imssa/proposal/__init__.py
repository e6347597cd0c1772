"""A recipe for data of one's own: look at them, propose, check, write with the reason of every value."""

from imssa.proposal.facts import Facts, look_at
from imssa.proposal.proposing import Proposal, Wish, propose
from imssa.proposal.writing import recipe_text

__all__ = ["Facts", "Proposal", "Wish", "look_at", "propose", "recipe_text"]
