"""One process of a run."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import uvloop

from tests.load.arguments import Plan
from tests.load.clock import SystemClock
from tests.load.driver import Call, closed_loop, open_loop
from tests.load.gateway import gateway
from tests.load.histogram import LatencyHistogram
from tests.load.ids import draw
from tests.load.requests import mixed_calls
from tests.load.tally import Tally


def run_all(plans: Sequence[Plan]) -> Tally:
    """Carries out every plan at the same time, each in a process of its own when there are several."""
    if len(plans) == 1:
        return run_plan(plans[0])
    together = Tally()
    # Spawned, not forked: gRPC does not survive a fork.
    with ProcessPoolExecutor(len(plans), mp_context=multiprocessing.get_context("spawn")) as pool:
        for tally, histograms in pool.map(_in_process, plans):
            tally.latencies = {rpc: LatencyHistogram.decode(encoded) for rpc, encoded in histograms.items()}
            together.add(tally)
    return together


def run_plan(plan: Plan) -> Tally:
    """Carries out one plan in this process."""
    started = time.process_time()
    tally = uvloop.run(_run(plan))
    tally.cpu_seconds = time.process_time() - started
    return tally


async def _run(plan: Plan) -> Tally:
    clock = SystemClock()
    async with gateway(plan.target, plan.timeout) as send:
        if plan.rate is not None:
            return await open_loop(_calls(plan), send, plan.bounds, plan.rate, clock, max_in_flight=plan.max_in_flight)
        return await closed_loop(_calls(plan), send, plan.bounds, plan.in_flight or 1, clock)


def _calls(plan: Plan) -> Iterator[Call]:
    users_rng, items_rng, mix_rng = (np.random.default_rng(seed) for seed in np.random.SeedSequence(plan.seed).spawn(3))
    users = draw(plan.users, plan.distribution, plan.exponent, users_rng)
    items = draw(plan.items, plan.distribution, plan.exponent, items_rng)
    return mixed_calls(plan.mix, users, items, plan.max_results, mix_rng)


def _in_process(plan: Plan) -> tuple[Tally, dict[str, bytes]]:
    """The histograms travel encoded: they hold memory that cannot be pickled."""
    tally = run_plan(plan)
    histograms = {rpc: histogram.encode() for rpc, histogram in tally.latencies.items()}
    tally.latencies = {}
    return tally, histograms
