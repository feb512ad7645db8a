"""Ranking: scores candidates with the snapshot's ONNX model, on GPU or CPU."""
