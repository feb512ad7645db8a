"""What `winnow snapshot` does with the folder that training publishes to."""
