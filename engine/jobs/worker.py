"""A worker: a process of its own on a slot, one job at a time, each in a child that it forks.

The worker imports torch once and then only waits, so a launch waits for no import. It computes nothing itself: it has one
thread, is safe to fork, renews its leases while the child computes, and knows at once when the child dies. The child dies with
it. One thread less than the cores, nice 10: the pages stay fast.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import logging
import os
import signal
import socket
import sys
import time
import traceback
from pathlib import Path

from ..core.artifacts import Store
from ..core.errors import ExplorerError, InvalidValue, Stopped, StorageError
from ..core.memory import within_memory
from .queue import Job, Queue, identity

POLL, BEAT = 0.15, 1.0  # seconds between looks into the queue, and between signs of life
IDLE = 1800.0  # seconds without a job after which a worker ends
PATIENCE = 20.0  # seconds that a job has to stop when it is asked
NICE = 10
PR_SET_PDEATHSIG = 1
log = logging.getLogger("worker")


def threads() -> int:
    """One thread less than the cores."""
    return max(1, len(os.sched_getaffinity(0)) - 1)


def slots() -> list[str]:
    """This machine's slots: each GPU, or the CPU."""
    import torch

    count = torch.cuda.device_count()
    return [f"{socket.gethostname()}/{name}" for name in ([f"cuda:{i}" for i in range(count)] or ["cpu"])]


class Worker:
    """`serve` until nothing was to do for `idle` seconds, or a signal says to end. Raises InvalidValue where no slot is free."""

    def __init__(self, store: Store, idle: float = IDLE, device: str | None = None, ray: bool = False):
        self.store, self.queue, self.idle, self.ray = store, Queue(store.workspace, shared=ray or None), idle, ray
        self.me, self.ending = identity(), False
        names = [f"{socket.gethostname()}/{device}"] if device else slots()
        found = self.queue.sit(names, self.me)
        if found is None:
            raise InvalidValue(f"Every slot ({', '.join(names)}) has its worker already; `python -m engine jobs` shows them.")
        self.slot, self.device = found, found.rpartition("/")[2]

    def serve(self) -> None:
        os.nice(max(0, NICE - os.nice(0)))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.end)
        log.info("worker %s on %s", self.me, self.slot)
        preload()
        busy = beaten = time.monotonic()
        try:
            while not self.ending and time.monotonic() - busy < self.idle and self.queue.exists:
                try:
                    if time.monotonic() - beaten > BEAT:
                        beaten = time.monotonic()
                        if not self.queue.beat(self.me)[0]:
                            log.warning("another worker took %s", self.slot)
                            return
                    job = self.queue.claim(self.slot, self.me)
                except StorageError as error:  # a full disk passes
                    log.warning("%s", error)
                    time.sleep(BEAT)
                    continue
                if job is None:
                    time.sleep(POLL)
                    continue
                self.attend(job)
                busy = time.monotonic()
        finally:
            self.queue.leave(self.me)

    def end(self, *_) -> None:
        self.ending = True

    def attend(self, job: Job) -> None:
        """A job from its claim to its end."""
        log.info("%s: %s", job.id, job.title)
        reader, writer = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            child(self.store, self.queue.folder_of(job.id), job.spec, self.device, writer, self.ray)
        os.close(writer)
        asked, beaten = None, 0.0
        while not (ended := os.waitpid(pid, os.WNOHANG))[0]:
            now = time.monotonic()
            if now - beaten > BEAT / (4 if asked is None else 1):
                beaten = now
                mine, stop = self._beat(job)
                if not mine:
                    log.warning("%s is another worker's now", job.id)
                    os.kill(pid, signal.SIGKILL)
                elif (stop or self.ending) and asked is None:
                    asked = now
                    os.kill(pid, signal.SIGTERM)
                elif asked is not None and now - asked > PATIENCE:
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        with os.fdopen(reader, "rb") as pipe:
            said = pipe.read()
        self._conclude(job, ended[1], said, asked is not None)

    def _beat(self, job: Job) -> tuple[bool, bool]:
        try:
            return self.queue.beat(self.me, job.id)
        except StorageError as error:
            log.warning("%s", error)
            return True, False

    def _conclude(self, job: Job, status: int, said: bytes, asked: bool) -> None:
        if said:
            outcome = json.loads(said)
        elif asked:
            outcome = {"state": "stopped", "reason": f"it did not stop within {PATIENCE:.0f} s and was ended; its last checkpoint is kept"}
        else:
            how = (
                f"was ended by signal {os.WTERMSIG(status)}"
                if os.WIFSIGNALED(status)
                else f"ended with exit code {os.waitstatus_to_exitcode(status)}"
            )
            outcome = {"state": "died", "reason": f"its process {how}"}
        log.info("%s: %s %s", job.id, outcome["state"], outcome["reason"])
        while True:
            try:
                if outcome["state"] == "died":
                    return self.queue.died(job.id, self.me, outcome["reason"])
                if outcome["state"] == "stopped" and self.ending and not self.queue.job(job.id).stop:
                    return None  # the worker ends, not the job: leave() queues it again
                return self.queue.finish(job.id, self.me, outcome["state"], outcome["reason"])
            except StorageError as error:
                log.warning("%s", error)
                time.sleep(BEAT)


def preload() -> None:
    """Import what jobs need, and read what is small and always needed, so that a forked child has it."""
    from ..datasets.builtin import digits
    from . import work  # noqa: F401

    digits.arrays()


def child(store: Store, folder: Path, spec: dict, device: str, writer: int, ray: bool) -> None:
    """The forked process of one job. Never returns; says how it ended through the pipe, which no full disk can stop."""
    outcome = {"state": "failed", "reason": "it ended before it began"}
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        stopping: list[int] = []
        signal.signal(signal.SIGTERM, lambda number, frame: stopping.append(number))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "log.txt", "ab", buffering=0) as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        outcome = attempt(store, folder, spec, device, lambda: bool(stopping), ray)
    except OSError as error:
        outcome = {"state": "failed", "reason": f"{error.strerror or error}. Free some space, then resume."}
    finally:
        os.write(writer, json.dumps(outcome).encode())
        os._exit(0)


def attempt(store: Store, folder: Path, spec: dict, device: str, stop, ray: bool = False) -> dict:
    """Do the work; {"state", "reason"} of how it ended."""
    from .work import carry_out

    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} started or resumed, process {os.getpid()}, {device}", flush=True)
    try:
        with within_memory() if device == "cpu" else contextlib.nullcontext():
            carry_out(store, spec, folder, stop, device, threads(), ray)
        outcome = {"state": "done", "reason": ""}
    except Stopped:
        outcome = {"state": "stopped", "reason": "what was made is kept"}
    except (ExplorerError, OSError) as error:
        reason = str(error) if isinstance(error, ExplorerError) else f"{error.strerror or error}. Free some space, then resume."
        outcome = {"state": "failed", "reason": " ".join(reason.split())}
    except MemoryError:
        outcome = {"state": "failed", "reason": "Out of memory. Use smaller batches, or a larger machine."}
    except Exception as error:
        traceback.print_exc()
        outcome = {
            "state": "failed",
            "reason": f"The explorer failed at this ({type(error).__name__}: {str(error)[:200]}). The log says more.",
        }
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {outcome['state']} {outcome['reason']}", flush=True)
    return outcome
