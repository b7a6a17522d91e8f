"""Pictures of a run, each with a text that tells the same story."""
