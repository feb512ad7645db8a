"""The ranker of the comparison, and the smallest snapshot that ranking serves it from.

The network reads user and item features alone, so its graph lacks the inputs `history` and `candidates`.
"""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper, parser

from shared.features import UserField
from shared.snapshot.golden import GoldenRanking, GoldenRequests, write_golden
from shared.snapshot.manifest import FORMAT_VERSION, FeatureSchema, Manifest, RankerEntry
from shared.snapshot.repository import SnapshotRepository
from shared.snapshot.verification import list_files

USER_FEATURES = 32
ITEM_FEATURES = 32
ITEMS = 10_000
MAX_HISTORY = 50

#: Features of a user and an item, two hidden layers, one score.
LAYERS = (USER_FEATURES + ITEM_FEATURES, 256, 128, 1)

#: One flag that there is an attribute at all, one for a missing value, and the vocabulary: 32 features.
_USER_FIELD = UserField("segment", "categorical", vocabulary=tuple(f"segment-{number}" for number in range(30)))

_GRAPH = """<ir_version: 10, opset_import: ["" : 20]> ranker (
    float[Q,32] user_features, float[N,32] candidate_features, int64[N] candidate_query
) => (float[N,1] scores) {
    person = Gather (user_features, candidate_query)
    pair = Concat <axis = 1> (person, candidate_features)
    first = Gemm (pair, weight_0, bias_0)
    first_active = Relu (first)
    second = Gemm (first_active, weight_1, bias_1)
    second_active = Relu (second)
    scores = Gemm (second_active, weight_2, bias_2)
}"""

Floats = NDArray[np.float32]


def mlp_weights(seed: int) -> dict[str, Floats]:
    """Returns the weights and biases of the network by the names that its graph gives them."""
    random = np.random.default_rng(seed)
    weights: dict[str, Floats] = {}
    for layer, (width, height) in enumerate(itertools.pairwise(LAYERS)):
        # He's initialisation: activations keep their size through the layers.
        drawn = random.standard_normal((width, height)) * np.sqrt(2 / width)
        weights[f"weight_{layer}"] = drawn.astype(np.float32)
        weights[f"bias_{layer}"] = (random.standard_normal(height) / 10).astype(np.float32)
    return weights


def mlp_graph(weights: dict[str, Floats]) -> bytes:
    """Returns the network as an ONNX file."""
    model = parser.parse_model(_GRAPH)
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in weights.items())
    onnx.checker.check_model(model)
    serialized: bytes = model.SerializeToString()
    return serialized


def mlp_scores(
    weights: dict[str, Floats], user_features: Floats, candidate_features: Floats, candidate_query: NDArray[np.int64]
) -> Floats:
    """Returns in NumPy what the graph computes, float32 [N, 1]."""
    values = np.concatenate([user_features[candidate_query], candidate_features], axis=1)
    for layer in range(len(LAYERS) - 1):
        values = values @ weights[f"weight_{layer}"] + weights[f"bias_{layer}"]
        if layer < len(LAYERS) - 2:
            values = np.maximum(values, 0)
    return values.astype(np.float32)


def publish_ranker(root: Path, seed: int = 0) -> Path:
    """Publishes below `root` a snapshot that ranking alone can serve, and activates it.

    Returns:
        The ONNX file.
    """
    random = np.random.default_rng([seed, 1])
    weights = mlp_weights(seed)
    repository = SnapshotRepository(root)
    with repository.staging() as folder:
        item_features = random.standard_normal((ITEMS, ITEM_FEATURES)).astype(np.float32)
        np.save(folder / "item_features.npy", item_features)
        (folder / "ranker").mkdir()
        (folder / "ranker" / "model.onnx").write_bytes(mlp_graph(weights))
        write_golden(_golden(weights, item_features, random), folder / "golden.json")
        manifest = Manifest(
            format_version=FORMAT_VERSION,
            id="benchmark-ranker",
            created="2026-01-01T00:00:00Z",
            dataset="seeded noise",
            items=ITEMS,
            max_history=MAX_HISTORY,
            feature_schema=FeatureSchema((_USER_FIELD,), tuple(f"feature-{column}" for column in range(ITEM_FEATURES))),
            channels=(),
            ranker=RankerEntry("ranker/model.onnx"),
            objectives=("click",),
            files=list_files(folder),
        )
        published = repository.publish(folder, manifest)
    repository.activate(manifest.id)
    return published / manifest.ranker.model


def ranking_requests(count: int, candidates: int, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Returns requests of one query each by the names of the inputs, stacked: the first axis is the request."""
    random = np.random.default_rng([seed, 2])
    rows = random.integers(0, ITEMS, (count, candidates))
    return {
        "history": random.integers(0, ITEMS, (count, 1, MAX_HISTORY)),
        "user_features": random.standard_normal((count, 1, USER_FEATURES)).astype(np.float32),
        "candidates": rows,
        "candidate_features": random.standard_normal((count, candidates, ITEM_FEATURES)).astype(np.float32),
        "candidate_query": np.zeros((count, candidates), dtype=np.int64),
    }


def _golden(weights: dict[str, Floats], item_features: Floats, random: np.random.Generator) -> GoldenRequests:
    candidates = random.integers(0, ITEMS, 40)
    candidate_query = np.repeat(np.arange(2), 20)
    user_features = random.standard_normal((2, USER_FEATURES)).astype(np.float32)
    scores = mlp_scores(weights, user_features, item_features[candidates], candidate_query)
    return GoldenRequests(
        encoders=[],
        ranker=[
            GoldenRanking(
                [[-1], [7]], user_features.tolist(), candidates.tolist(), candidate_query.tolist(), scores.tolist()
            )
        ],
    )
