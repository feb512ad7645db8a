"""Which of the snapshot's models is served: the full precision, or a variant that training found to rank as well."""

from collections.abc import Callable
from typing import Literal

from services.ranking.device import Device
from shared.snapshot.manifest import RankerEntry, RankerVariant

Precision = Literal["fp32", "fp16", "int8"]
DemandedPrecision = Literal["fp32", "fp16", "int8", "auto"]

#: What is quickest where: CPUs compute 16-bit floats in 32 bits and pay for the conversion; GPUs have no operator that
#: quantizes while it runs, and would move every matrix to the CPU for it.
_QUICKEST: dict[Device, Precision] = {"cuda": "fp16", "cpu": "int8"}


def wanted_precision(demanded: DemandedPrecision, device_used: Callable[[], Device]) -> Precision:
    """Returns the precision to look for.

    Args:
        demanded: "auto" takes the quickest on the device.
        device_used: Finds out which device the ranker will run on; only asked where it matters.
    """
    return _QUICKEST[device_used()] if demanded == "auto" else demanded


def find_variant(ranker: RankerEntry, precision: Precision) -> RankerVariant | None:
    """Returns the variant of a precision, or None where the snapshot has none or the full precision is wanted."""
    return next((variant for variant in ranker.variants if variant.precision == precision), None)
