"""Speed as figures and ratios: `python -m engine bench [NAME ...]`. Both sides of a ratio in one run, both on all cores.

A row is {"name", "value", "unit", "reference", "ratio"}; ratio = reference / ours (of times), so that more is better.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import torch
from torch.nn import functional as F

from .errors import UnknownId, closest

PEOPLE = 4


def run(names: list[str] | None = None) -> list[dict]:
    """Rows of the benchmarks asked for (all by default). Raises UnknownId."""
    for name in names or []:
        if name not in BENCHES:
            raise UnknownId(f"There is no benchmark {name[:60]!r}.{closest(name, BENCHES)}")
    return [row for name in names or BENCHES for row in BENCHES[name]()]


def row(name: str, value: float, unit: str, reference: float | None = None) -> dict:
    return {"name": name, "value": value, "unit": unit, "reference": reference, "ratio": reference / value if reference else None}


def seconds(function: Callable, repeats: int = 3) -> float:
    """Median wall time, after one unmeasured call."""
    function()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def drag_step() -> list[dict]:
    """Server side of one drag step of each shipped space (decode, all test images, per class, PRep), one person and four."""
    from .artifacts import Store
    from .host import Host
    from .live import answer

    store = Store()
    rows = []
    for space in store.manifests("netspace"):
        host = Host(store, "cpu")
        ids = host.space(space.id).table["id"]

        def drag(times: list[float], steps: int, person: int, pause: float) -> None:
            question = {"id": 1, "op": "step", "space": space.id, "a": ids.iloc[person], "b": ids.iloc[-1 - person], "path": "embedding", "want": ["accuracy", "per_class", "answers", "prep"]}
            for index in range(steps):
                text = json.dumps(question | {"gamma": index / steps})
                began = time.perf_counter()
                reply = answer(host, text)
                times.append(1000 * (time.perf_counter() - began))
                assert isinstance(reply, bytes), reply
                time.sleep(pause)

        drag([], 20, 0, 0)
        alone: list[float] = []
        drag(alone, 300, 0, 0)
        rows.append(row(f"drag_step_p95[{space.id}]", p95(alone), "ms"))
        each: list[list[float]] = [[] for _ in range(PEOPLE)]
        threads = [threading.Thread(target=drag, args=(times, 150, person, 1 / 60)) for person, times in enumerate(each)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rows.append(row(f"drag_step_p95_four[{space.id}]", max(p95(times) for times in each), "ms"))
        host.close()
    return rows


def zoo_stacked() -> list[dict]:
    """The digits zoo's training, stacked, against plain modules with torch.optim.Adam one after the other, from the same seeds."""
    from dataclasses import replace

    from . import datasets, presets
    from .archs import architecture
    from .zoo import ZooTraining, batches, lengths, start

    config = replace(presets.config("zoo-digits"), train=62, val=1, test=1, steps_min=4, steps_max=60)
    images = datasets.load(config.dataset)
    images_BCHW, labels_B, arch = images.images["train"], images.labels["train"], architecture(config.architecture)

    def stacked() -> None:
        training = ZooTraining(config, images)
        for index in range(training.total):
            training.step(index)

    def plain() -> None:
        for index, steps in enumerate(lengths(config)):
            module = start(config, arch, index)
            optimizer = torch.optim.Adam(module.parameters(), lr=config.lr)
            for picks_B in batches(config, index, steps, len(labels_B)).long():
                optimizer.zero_grad()
                F.cross_entropy(module(images_BCHW[picks_B]), labels_B[picks_B]).backward()
                optimizer.step()

    ours, reference = best_threads(stacked), best_threads(plain)
    return [row("zoo_stacked", ours, "s", reference)]


def best_threads(function: Callable, repeats: int = 2) -> float:
    """Median time with one thread or all, whichever is faster: each side is measured at its best."""
    threads = torch.get_num_threads()
    try:
        times = []
        for count in {1, threads}:
            torch.set_num_threads(count)
            times.append(seconds(function, repeats))
        return min(times)
    finally:
        torch.set_num_threads(threads)


def accuracy_10k() -> list[dict]:
    """A full-size ResNet8 on 10 000 images of 32x32 against the plain fp32 loop over batches. The network is trained, shortly,
    on digits blown up to 32x32 with noise, so that labels mean something; the share of equal labels is a row of its own."""
    from . import datasets
    from .archs import architecture
    from .fast import answers
    from .stacked import logits_one
    from .zoo import deploy

    arch, digits = architecture("resnet8-cifar10"), datasets.load("digits")
    random = torch.Generator().manual_seed(0)

    def blown_up(picks_B):
        images_BCHW = F.interpolate(digits.images["train"][picks_B], size=32, mode="bilinear").expand(-1, 3, -1, -1)
        return images_BCHW + 0.3 * torch.randn(images_BCHW.shape, generator=random)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = arch.build(batch_norm=True)
    optimizer = torch.optim.Adam(module.parameters(), lr=2e-3)
    for _ in range(40):
        picks_B = torch.randint(len(digits.labels["train"]), (64,), generator=random)
        optimizer.zero_grad()
        F.cross_entropy(module(blown_up(picks_B)), digits.labels["train"][picks_B]).backward()
        optimizer.step()
    picks_B = torch.randint(len(digits.labels["train"]), (10_000,), generator=random)
    images_BCHW = blown_up(picks_B)
    parameters_P = deploy(arch, torch.nn.utils.parameters_to_vector(module.parameters()).detach(), images_BCHW[:512])

    @torch.inference_mode()
    def plain(batch: int):
        return torch.cat([logits_one(parameters_P, part_BCHW, arch).argmax(-1) for part_BCHW in images_BCHW.split(batch)])

    ours = seconds(lambda: answers(parameters_P, images_BCHW, arch))
    reference = min(seconds(lambda: plain(batch)) for batch in (64, 256))
    fast_B, plain_B = answers(parameters_P, images_BCHW, arch), plain(256)
    right = (plain_B == digits.labels["train"][picks_B]).float().mean().item()
    return [
        row("accuracy_10k", ours, "s", reference),
        row("accuracy_10k_agreement", (fast_B == plain_B).float().mean().item(), "share"),
        row("accuracy_10k_network", right, "accuracy"),
    ]


def list_seconds() -> list[dict]:
    """`python -m engine list` in a process of its own."""
    command = [sys.executable, "-m", "engine", "list", "--json"]
    return [row("list_seconds", seconds(lambda: subprocess.run(command, check=True, capture_output=True)), "s")]


def first_page() -> list[dict]:
    """From `python -m explorer` to the address it prints, and to the page's script having run, on an installed tree."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "explorer", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and "http" in process.stdout.readline()
        return [row("server_ready_seconds", time.perf_counter() - began, "s")]
    finally:
        process.terminate()
        process.wait()


BENCHES = {
    "drag_step_p95": drag_step,
    "zoo_stacked": zoo_stacked,
    "accuracy_10k": accuracy_10k,
    "list_seconds": list_seconds,
    "server_ready_seconds": first_page,
}
