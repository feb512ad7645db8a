"""The commands of the offline store: from what a person asks to what training does."""
