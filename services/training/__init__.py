"""The training job: from a data set to a published snapshot."""
