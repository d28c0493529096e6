"""The resumable loop: killed anywhere and started again it ends where it would have; what is torn or not finite is not used."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from engine.core import clocks
from engine.core.artifacts import load_checkpoint, save_checkpoint
from engine.core.clocks import Took
from engine.core.errors import NonFiniteLoss
from engine.core.seeds import generator
from engine.core.settings import CHECKPOINT_SECONDS
from engine.learn import loop as loop
from engine.learn.loop import run
from engine.learn.trainee import Choosing, Trainee, cosine
from tests.clocks import set_clock
from tests.laws import resumable

ROOT = Path(__file__).resolve().parents[2]


class Walk(Trainee):
    """A trainee of one number whose end depends on every step and on their order."""

    def __init__(self, total: int = 40, nan_at: int = -1, crash_at: int = -1):
        self.total, self.nan_at, self.crash_at = total, nan_at, crash_at
        self.x = torch.zeros(3)
        self.done: list[int] = []

    def step(self, index: int) -> dict[str, float]:
        if index == self.crash_at:
            raise KeyboardInterrupt
        self.done.append(index)
        self.x.mul_(1.01).add_(torch.randn(3, generator=generator(5, index)))
        if index == self.nan_at:
            self.x.fill_(torch.nan)
        return {"loss": float(self.x.sum())}

    def state(self):
        return {"x": self.x}


def end(total: int = 40) -> torch.Tensor:
    walk = Walk(total)
    assert run(walk).finished
    return walk.x


def kill_after(lines: int, command: list[str]) -> int:
    """Run a child, kill it with -9 when it has printed so many steps; the last step that it printed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as child:
        step = 0
        for seen, line in enumerate(child.stdout, 1):
            step = int(line)
            if seen == lines:
                child.send_signal(signal.SIGKILL)
                break
        child.stdout.read()
    assert child.returncode == -signal.SIGKILL
    return step


@pytest.mark.parametrize("kind", ("zoo", "space", "nern"))
def test_killed_and_started_again_ends_bit_identical(kind, tmp_path):
    checkpoint, result = tmp_path / "run" / "checkpoint.safetensors", tmp_path / "result.safetensors"
    command = [sys.executable, "-m", "tests.laws.resumable", kind, str(checkpoint), str(result)]
    moments = random.Random()
    killed_at = [kill_after(moments.randint(5, 30), command) for _ in range(2)]
    found = load_checkpoint(checkpoint, kind)
    print(f"killed at steps {killed_at}, last checkpoint {found and found[0]}")
    assert not result.exists()
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    steps = [int(line) for line in done.stdout.split()]
    assert steps[0] == (found[0] if found else 0) + 1  # it went on, it did not start over

    threads = torch.get_num_threads()
    whole = resumable.trainee(kind)
    try:
        assert run(whole).finished
    finally:
        torch.set_num_threads(threads)
    _, arrays, _ = load_checkpoint(result, kind)
    expected = resumable.everything(whole)
    assert arrays.keys() == expected.keys()
    for name, tensor in expected.items():
        assert arrays[name].tobytes() == tensor.contiguous().numpy().tobytes(), name


@pytest.mark.parametrize("kind", ("zoo", "space", "shape-zoo", "shape-space", "nern", "network"))
def test_the_state_is_all_that_the_rest_depends_on(kind):
    """Stopped in the middle, and gone on with by a trainee that has only the state; without a part of it the end differs."""

    def finish(state) -> dict[str, torch.Tensor]:
        rest = resumable.trainee(kind)
        rest.restore(state)
        for index in range(20, 30):
            rest.step(index)
        return {name: tensor.clone() for name, tensor in resumable.everything(rest).items()}

    threads = torch.get_num_threads()
    try:
        first = resumable.trainee(kind)
        for index in range(20):
            first.step(index)
        half_way = {name: tensor.clone() for name, tensor in first.state().items()}
        for index in range(20, 30):
            first.step(index)
        found = finish(half_way)
        assert all(torch.equal(found[name], tensor) for name, tensor in resumable.everything(first).items())
        moment = next(name for name in half_way if "square" in name or "exp_avg_sq" in name or "moment" in name)
        forgetful = finish({**half_way, moment: torch.ones_like(half_way[moment])})
        assert not all(torch.equal(forgetful[name], tensor) for name, tensor in resumable.everything(first).items())
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("crash_at", (1, 7, 23, 39))
def test_at_most_thirty_seconds_are_lost(crash_at, tmp_path, monkeypatch):
    clock = [1000.0]
    set_clock(monkeypatch, loop, clocks, monotonic=lambda: clock[0])

    class Slow(Walk):
        def step(self, index):
            clock[0] += 4.0
            return super().step(index)

    checkpoint, walk = tmp_path / "c.safetensors", Slow(crash_at=crash_at)
    with pytest.raises(KeyboardInterrupt):
        run(walk, checkpoint, "t")
    found = load_checkpoint(checkpoint, "t")
    lost = crash_at - (found[0] if found else 0)
    assert lost * 4.0 <= 30.0 and CHECKPOINT_SECONDS <= 30.0
    again = Walk()
    assert run(again, checkpoint, "t").finished
    assert torch.equal(again.x, end()) and len(again.done) == 40 - (crash_at - lost)


def test_the_rate_rises_along_a_line_and_falls_along_half_a_cosine():
    rates = [cosine(step, 110, 2.0, 0.5, warmup=10) for step in range(111)]
    assert rates[:10] == pytest.approx([0.2 * (step + 1) for step in range(10)])
    assert rates[10] == max(rates) == 2.0 and rates[60] == pytest.approx(1.25) and rates[110] == pytest.approx(0.5)
    falls = [one - next_ for one, next_ in zip(rates[10:], rates[11:])]
    assert min(falls) > 0 and max(falls) == pytest.approx(falls[49], rel=1e-2)  # steepest half-way
    assert {cosine(step, 7, 3.0, 3.0) for step in range(7)} == {3.0}  # constant where it ends as high
    assert cosine(0, 0, 1.0) == 1.0  # a run of no steps divides by nothing


def test_the_best_look_is_kept_and_comes_back():
    class Looks(Choosing):
        total = 4

        def __init__(self, chooses: bool = True):
            super().__init__(torch.nn.Linear(1, 1, bias=False), chooses)

        def step(self, index: int) -> dict[str, float]:
            self.model.weight.data.fill_(float(index))
            if self.best:
                self.keep_best(torch.tensor([3.0, 1.0, 1.0, 2.0][index]))
            return {"loss": 0.0}

        def state(self):
            return {"weight": self.model.weight, **self.best_state()}

    looks, last = Looks(), Looks(chooses=False)
    run(looks), run(last)
    assert looks.chosen()["weight"].item() == 1.0  # of equal looks the first
    assert last.chosen()["weight"].item() == 3.0 and not last.best_state()
    again = Looks()
    again.restore(looks.state())
    assert again.chosen()["weight"].item() == 1.0 and again.best_score == 1.0 and again.model.weight.item() == 3.0


def test_seconds_add_up_over_a_stop(tmp_path, monkeypatch):
    clock, cpu = [0.0], [0.0]
    set_clock(monkeypatch, loop, clocks, monotonic=lambda: clock[0], process_time=lambda: cpu[0])

    class Slow(Walk):
        def step(self, index):
            clock[0], cpu[0] = clock[0] + 1.0, cpu[0] + 0.25
            return super().step(index)

    calls = iter(range(100))
    stopped = run(Slow(), tmp_path / "c", "t", stop=lambda: next(calls) == 15)
    assert not stopped.finished and stopped.took == Took(15, 3.75)
    clock[0], cpu[0] = clock[0] + 500.0, 0.0  # nobody was training, and what goes on is another process
    rest = Slow()
    finished = run(rest, tmp_path / "c", "t")
    assert finished.finished and finished.took == Took(40, 10) and rest.done[0] == 15 and torch.equal(rest.x, end())


def half_done(path: Path) -> bytes:
    calls = iter(range(100))
    run(Walk(), path, "t", stop=lambda: next(calls) == 20)
    return path.read_bytes()


@pytest.mark.parametrize("share", (0.0, 0.05, 0.4, 0.99))
def test_a_torn_checkpoint_is_not_used(share, tmp_path):
    path = tmp_path / "c"
    whole = half_done(path)
    path.write_bytes(whole[: int(share * len(whole))])
    walk = Walk()
    run(walk, path, "t")
    assert walk.done[0] == 0 and torch.equal(walk.x, end())


def test_no_flipped_bit_of_a_checkpoint_is_read(tmp_path):
    path = tmp_path / "c"
    whole = half_done(path)
    assert load_checkpoint(path, "t")[0] == 20  # control
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << (at % 8)
        path.write_bytes(damaged)
        assert load_checkpoint(path, "t") is None, at


def test_a_checkpoint_of_another_run_is_not_used(tmp_path):
    half_done(tmp_path / "c")
    walk = Walk()
    run(walk, tmp_path / "c", "another tag")
    assert walk.done[0] == 0


def test_a_crash_while_writing_keeps_the_last_checkpoint(tmp_path, monkeypatch):
    whole = half_done(tmp_path / "c")

    def out_of_power(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.core.artifacts.os.replace", out_of_power)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path / "c", "t", 30, {}, {"x": torch.ones(3).numpy()})
    assert (tmp_path / "c").read_bytes() == whole


def test_a_loss_that_is_no_number_stops_and_saves_nothing(tmp_path):
    path = tmp_path / "c"
    with pytest.raises(NonFiniteLoss, match="step 26"):
        run(Walk(nan_at=25), path, "t", checkpoint_seconds=-1.0)  # a checkpoint after every step
    step, arrays, _ = load_checkpoint(path, "t")
    assert step == 25 and torch.from_numpy(arrays["x"]).isfinite().all()
    healthy = Walk()
    run(healthy, path, "t")
    assert healthy.done[0] == 25 and torch.equal(healthy.x, end())


def test_randomness_is_a_function_of_its_numbers():
    def draw(*seeds: int) -> list[int]:
        return torch.randint(1 << 60, (4,), generator=generator(*seeds)).tolist()

    assert draw(1, 2) == draw(1, 2)
    assert len({tuple(draw(*seeds)) for seeds in ((1, 2), (2, 1), (1, 3), (1,), (1, 2, 0), (0, 1, 2))}) == 6
