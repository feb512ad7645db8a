"""The four gRPC services, the training job and the command line of Winnow."""
