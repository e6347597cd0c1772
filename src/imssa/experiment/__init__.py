"""Experiments: a recipe, its stages as plain functions, and the folder that holds the results."""
