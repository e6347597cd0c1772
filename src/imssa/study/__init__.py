"""Many experiments as one: axes over a recipe, stages shared by what determines them, resumable."""
