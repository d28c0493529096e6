"""The public API answers what the host answers; importing it takes no torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest
import torch

import engine
from engine.core.errors import CheckpointMismatch, CorruptArtifact, ExplorerError, InvalidValue, UnknownId
from engine.host.shapes import View, parameters
from engine.jobs.folder import Folder
from engine.jobs.signs import identity
from engine.jobs.work import carry_out
from engine.nets.stacked import flatten
from tests.commands import call

ROOT = Path(__file__).resolve().parents[2]
SPACES = ("netspace-digits", "netspace-digits-multi", "netspace-chairs", "netspace-chairs-probe")
CLASSIFIERS = SPACES[:2]
HEAVY = ("torch", "numpy", "pandas", "safetensors")


@pytest.fixture(scope="module")
def opened():
    torch.set_num_threads(1)
    found = {}
    yield lambda id_: found.setdefault(id_, engine.open(id_, device="cpu"))
    for each in found.values():
        each.host.close()


@pytest.mark.parametrize("statement", ["import engine", "import engine; engine.list()"])
def test_it_is_imported_and_lists_without_torch(statement):
    code = f"{statement}; import sys; sys.exit(any(name in sys.modules for name in {HEAVY}))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_the_list_is_the_manifests_of_the_store():
    listed = engine.list("netspace")
    assert set(SPACES) <= {manifest.id for manifest in listed} < {manifest.id for manifest in engine.list()}
    assert {manifest.kind for manifest in listed} == {"netspace"}


@pytest.mark.parametrize("gamma", [0.0, 0.37, 1.0])
@pytest.mark.parametrize("path", ["embedding", "weights"])
def test_a_classifier_is_the_host_s_with_its_accuracy(opened, gamma, path):
    space = opened("netspace-digits")
    a, b = space.instances[0], space.instances[5]
    net, step = space.at(a, b, gamma, path), space.host.step(space.id, a, b, gamma, path, images="all")
    assert torch.equal(flatten(net), step.parameters_P)
    found = space.accuracy(net)
    assert (found.right, found.n, found.value, found.low, found.high) == (step.right, step.n, step.accuracy, step.low, step.high)
    assert net.preprocessing == space.host.space(space.id).images.preprocessing and net.architecture == step.network.arch.id


def test_a_shape_is_the_host_s(opened):
    space = opened("netspace-chairs")
    a, b = space.instances[:2]
    net = space.at(a, b, 0.5)
    assert torch.equal(flatten(net), parameters(space.host, View(space.id, a, b, 0.5)).cpu())
    assert space.quality(net, of=net).value == 1.0 > space.quality(net, of=a).value > 0
    with pytest.raises(InvalidValue, match="name one"):
        space.quality(net)
    with pytest.raises(InvalidValue, match="holds shapes"):
        space.accuracy(net)


@pytest.mark.parametrize("id_", SPACES)
def test_the_network_at_an_embedding_is_the_one_at_gamma(opened, id_):
    space = opened(id_)
    a, b = space.instances[0], space.instances[3]
    mixed_E = torch.lerp(space.embedding(a), space.embedding(b), 0.25)
    assert torch.equal(flatten(space.at(mixed_E)), flatten(space.at(a, b, 0.25)))
    other = flatten(space.at(a, b, 0.75))
    assert other.shape != flatten(space.at(mixed_E)).shape or not torch.equal(other, flatten(space.at(mixed_E)))


@pytest.mark.parametrize("id_", SPACES)
def test_nearest_to_an_instance_is_itself(opened, id_):
    space = opened(id_)
    name = space.instances[4]
    first, second = space.nearest(space.embedding(name), 2)
    assert (first.id, first.distance) == (name, 0.0) and second.distance >= 0
    for wrong in (torch.zeros(3), torch.full_like(space.embedding(name), torch.nan)):
        with pytest.raises(InvalidValue, match="finite numbers"):
            space.nearest(wrong)


@pytest.mark.parametrize("id_", ["netspace-digits", "netspace-chairs"])
def test_inversion_answers_no_less_alike_than_the_encoder(opened, id_):
    space = opened(id_)
    net = space.at(space.instances[1], space.instances[2], 0.4)
    likeness = [space.quality(space.at(space.embed(net.state_dict(), invert=steps)), of=net, split="val").value for steps in (0, 20)]
    assert likeness[1] >= likeness[0] and likeness[1] > 0.5


def test_an_instance_and_its_state_dict_and_its_file_are_placed_alike(opened, tmp_path):
    space = opened("netspace-digits")
    name = space.instances[0]
    file = tmp_path / "net.safetensors"
    file.write_bytes(space.file(name, name, 0.0, "weights"))
    states = [name, space.at(name, name, 0.0, "weights").state_dict(), file, str(file)]
    first_E, *rest = (space.embed(state, invert=0) for state in states)
    assert all(torch.equal(first_E, each_E) for each_E in rest)
    assert torch.allclose(first_E, space.embedding(name), rtol=2e-3, atol=1e-3)  # which is stored in half precision


def test_what_does_not_fit_is_refused(opened):
    space = opened("netspace-digits")
    with pytest.raises(CheckpointMismatch, match="lenetlike-digits"):
        space.embed({"weight": torch.zeros(3)})
    with pytest.raises(UnknownId):
        space.at("nobody")
    with pytest.raises(CorruptArtifact, match="no manifest.json"):
        engine.open(ROOT / "engine")
    with pytest.raises(InvalidValue, match="invert=0"):
        opened("netspace-digits-multi").embed(opened("netspace-digits-multi").instances[0], invert=5)


@pytest.mark.parametrize("id_", ["netspace-digits", "netspace-chairs"])
def test_optimising_ends_no_lower_than_it_began(opened, id_):
    space = opened(id_)
    found = space.optimise(space.embedding(space.instances[0]), steps=10, target=space.instances[2])
    assert found.after >= found.before and 0 <= found.step <= 10 and found.embedding_E.shape == space.embedding(space.instances[0]).shape
    again = space.optimise(space.embedding(space.instances[0]), steps=10, target=space.instances[2])
    assert torch.equal(found.embedding_E, again.embedding_E)


def test_an_artifact_is_opened_by_its_folder_too(opened):
    folder = ROOT / "assets/gallery/netspace-digits"
    by_folder = engine.open(folder, device="cpu")
    name = by_folder.instances[0]
    assert torch.equal(flatten(by_folder.at(name)), flatten(opened("netspace-digits").at(name)))
    by_folder.host.close()


def test_other_kinds_hand_out_their_networks():
    zoo = engine.open("zoo-digits", device="cpu")
    net = zoo.network("digits-lenetlike-0004")
    assert net.architecture == "lenetlike-digits" and not isinstance(zoo, engine.Space)
    assert "accuracy" in " ".join(engine.open("network-digits").metrics)
    zoo.host.close()


def test_metrics_that_are_measured_again_are_kept_by_name_with_a_reason(made_up_store):
    space = engine.open("space-made-up", made_up_store.workspace)
    new = {"gap_mean": {"value": 0.5, "split": "test", "n": 2}, "floor": {"value": 0.25, "split": "test", "n": 2}}
    assert space.keep_metrics(new, ["fl*"], "a new figure") == ["floor"]
    kept = made_up_store.open("space-made-up").manifest
    assert kept.metrics["floor"] == new["floor"] and kept.metrics["gap_mean"] != new["gap_mean"]
    for patterns, why, says in ((["roof*"], "a reason", "No metric"), (["floor"], " ", "Say why")):
        with pytest.raises(InvalidValue, match=says):
            space.keep_metrics(new, patterns, why)


def test_a_placed_network_is_where_the_command_places_it_with_its_own_likeness(opened, capsys):
    space = opened("netspace-digits")
    name = space.instances[2]
    found = space.place(name, steps=3)
    assert found.xy == space.on_map(found.embedding_E) and 0 < found.likeness <= 1 and found.fit is None
    code, said, _ = call(capsys, space.store.workspace, "place", space.id, name, "--steps", "3")
    assert code == 0 and {**said, "seconds": 0} == {"id": space.id, "what": name, **found.as_json(), "seconds": 0}


def test_a_mesh_is_the_file_that_the_command_writes(opened, capsys, tmp_path):
    space, file = opened("netspace-chairs"), tmp_path / "chair.ply"
    a, b = space.instances[:2]
    asked = ("mesh", space.id, a, b, "--gamma", "0.25", "--resolution", "24", "--output", str(file))
    assert call(capsys, space.store.workspace, *asked)[0] == 0
    assert file.read_bytes() == space.mesh(a, b, 0.25, resolution=24, form="ply") != space.mesh(a, resolution=24, form="ply")
    with pytest.raises(InvalidValue, match="no surface"):
        opened("netspace-digits").mesh(opened("netspace-digits").instances[0])


def test_an_lso_is_launched_as_a_job_that_can_be_followed_and_stopped(opened, tmp_path, monkeypatch):
    space = engine.open("netspace-digits", tmp_path, "cpu")
    monkeypatch.setattr("engine.jobs.launched.backend", lambda store: SimpleNamespace(start=lambda: None))
    first, second = space.launch(space.instances[0], steps=3), space.launch(space.instances[0], steps=3)
    assert first.id == second.id and first.state == "queued" and space.launch(space.instances[1], steps=3).id != first.id
    with pytest.raises(InvalidValue, match="steps"):
        space.launch(space.instances[0], steps=0)
    queue, steps = first.queue, []
    queue.sit(["here/cpu"], identity())
    job = queue.claim("here/cpu", identity())
    folder = Folder(queue.folder_of(job.id))

    def work():
        carry_out(space.store, job.spec, folder.path, lambda: False, "cpu")
        queue.finish(job.id, identity(), "done")

    Thread(target=work).start()
    result = first.follow(steps.append)
    assert first.state == "done" and result["finished"] and steps == sorted(steps)
    space.host.close()


def test_a_job_that_failed_says_why_and_an_interrupted_wait_stops_it(tmp_path, monkeypatch):
    space = engine.open("netspace-digits", tmp_path, "cpu")
    monkeypatch.setattr("engine.jobs.launched.backend", lambda store: SimpleNamespace(start=lambda: None))
    job = space.launch(space.instances[0], steps=3)

    def interrupted(seconds):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("engine.jobs.launched.time.sleep", interrupted)
        job.follow()
    assert job.state == "stopped"
    job.queue.resume(job.id)
    job.queue.sit(["here/cpu"], identity())
    job.queue.claim("here/cpu", identity())
    job.queue.finish(job.id, identity(), "failed", "The disk is full.")
    with pytest.raises(ExplorerError, match=f"{job.id}: The disk is full"):
        job.follow()
    space.host.close()
