"""The Open Inference Protocol (KServe v2, as Triton speaks it over gRPC) in front of the ranker."""
