"""The report page: what an evaluation found, for people, in one file that needs nothing else."""
