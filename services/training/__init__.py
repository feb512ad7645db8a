"""The training job: from a data set to a published snapshot."""

import os

# OpenMP's threads spin while they wait for each other. On a machine that is busy with anything else they spin away each
# other's time: a fit of four seconds took half a minute on two cores. Read once, when torch loads its runtime.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
