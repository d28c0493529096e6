"""Laws of latent space optimisation: what is minimised, what is kept, and that it resumes; against plain references."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from engine import datasets
from engine.archs import architecture
from engine.core.artifacts import Store
from engine.core.errors import InvalidValue, UnknownId
from engine.core.seeds import generator
from engine.host.columns import of_space
from engine.host.host import Host
from engine.jobs import clouds, work
from engine.jobs.folder import Folder
from engine.kinds.netspace import kept
from engine.kinds.netspace.space import load_space
from engine.learn.config import LsoConfig
from engine.learn.loop import run
from engine.learn.lso import Lso, descend
from engine.nets.export.outgoing import of_safetensors
from engine.nets.networks import read
from engine.nets.stacked import logits
from engine.tasks.distances.lso import Cloud, Shaping
from engine.tasks.distances.networks import layers_of
from engine.tasks.images.config import ZooConfig
from engine.tasks.images.losses import distillation, spread
from engine.tasks.images.lso import Classifying, invert, teachers_of
from engine.tasks.images.zoo_training import ZooTraining
from tests.tiny import SPACE, write_tiny
from tests.tiny_jobs import lso_spec

ARCH = architecture("lenetlike-digits")
SIREN = architecture("siren-small")


@pytest.fixture(scope="module")
def images():
    return datasets.load("digits")


@pytest.fixture(scope="module")
def networks_NP(images):
    training = ZooTraining(ZooConfig(ARCH.id, "digits", train=3, val=1, test=1, batch=32, lr=4e-3, steps_min=2, steps_max=60), images)
    for index in range(training.total):
        training.step(index)
    return training.instances()


@pytest.fixture
def decode(networks_NP):
    """A curved two-dimensional space through the networks."""
    return lambda embedding_NE: (
        networks_NP[-1]
        + embedding_NE[:, :1].sin() * (networks_NP[0] - networks_NP[-1])
        + embedding_NE[:, 1:].tanh() * (networks_NP[1] - networks_NP[-1])
    )


def reference_inversion(decode, targets_NP, start_NE, images_BCHW, steps):
    """As a textbook has it: torch.optim.Adam, one loop."""
    with torch.no_grad():
        target_NBK = logits(targets_NP, images_BCHW, ARCH)
    embedding_NE = start_NE.clone().requires_grad_()
    optimizer = torch.optim.Adam([embedding_NE], lr=1e-2)
    for step in range(steps):
        picks_B = torch.randperm(len(images_BCHW), generator=generator(0, 31, step))[:256]
        optimizer.zero_grad()
        predicted_NBK = logits(decode(embedding_NE), images_BCHW[picks_B], ARCH)
        (distillation(predicted_NBK, target_NBK[:, picks_B], 4.0) / spread(target_NBK)).sum().backward()
        optimizer.step()
    return embedding_NE.detach()


def test_inversion_is_adam_on_the_networks_own_answers(decode, networks_NP, images):
    class Model:
        pass

    model, start_NE = Model(), torch.zeros(2, 2) + torch.tensor([[0.1, 0.2], [0.0, -0.1]])
    model.decode = decode
    found_NE = invert(model, ARCH, networks_NP[:2], start_NE, images, 12)
    expected_NE = reference_inversion(decode, networks_NP[:2], start_NE, images.images["train"], 12)
    assert torch.allclose(found_NE, expected_NE, atol=1e-6) and not torch.allclose(found_NE, start_NE, atol=1e-2)


def test_the_loss_is_equation_5_and_its_ends_are_3_and_4(networks_NP, images):
    teachers = teachers_of(ARCH, networks_NP[:1], images)
    losses = {}
    for alpha in (0.0, 0.3, 1.0):
        objective = Classifying(ARCH, images, teachers, alpha, 4.0, batch=64)
        losses[alpha], quality_N = objective.loss(3, networks_NP[1:3])
    picks_B = torch.randperm(len(images.labels["train"]), generator=generator(0, 31, 3))[:64]
    for place, row in enumerate((1, 2)):
        predicted_BK = logits(networks_NP[[row]], images.images["train"][picks_B], ARCH)[0]
        target_BK = teachers["train"][0, picks_B]
        entropy = F.cross_entropy(predicted_BK, images.labels["train"][picks_B])
        divergence = 16 * F.kl_div(F.log_softmax(predicted_BK / 4, -1), F.softmax(target_BK / 4, -1), reduction="batchmean")
        for alpha, loss_N in losses.items():
            assert loss_N[place].item() == pytest.approx((alpha * divergence + (1 - alpha) * entropy).item(), rel=1e-4)
        assert quality_N[place].item() == pytest.approx((predicted_BK.argmax(-1) == images.labels["train"][picks_B]).float().mean().item())
    own = Classifying(ARCH, images, teachers, own=True)
    loss_N, agreement_N = own.validate(networks_NP[:2])
    assert loss_N[0].item() == pytest.approx(0, abs=1e-4) and agreement_N[0] == 1 and agreement_N[1] < 1 and loss_N[1] > 0


def lso_of(decode, networks_NP, images, steps=20, **more) -> Lso:
    objective = Classifying(ARCH, images, teachers_of(ARCH, networks_NP[:1], images), batch=64)
    return Lso(decode, torch.tensor([[-1.0, -0.5], [0.2, 1.0]]), objective, steps, 0.2, **more)


def test_the_best_step_is_the_best_on_validation_and_never_below_the_start(decode, networks_NP, images):
    lso = lso_of(decode, networks_NP, images)
    seen = [(0, *(part[0].item() for part in lso.objective.validate(decode(lso.embedding_NE))))]
    for index in range(lso.total):
        lso.step(index)
        loss_N, quality_N = lso.objective.validate(decode(lso.embedding_NE))
        seen.append((index + 1, loss_N[0].item(), quality_N[0].item()))
    step, _, quality = max(seen, key=lambda each: (each[2], -each[1]))
    assert lso.best_step_N[0] == step and lso.best_quality_N[0].item() == quality >= seen[0][2]
    assert lso.objective.validate(decode(lso.best_NE))[1][0].item() == pytest.approx(quality)
    backwards = lso_of(decode, networks_NP, images)
    backwards.lr = -0.5  # uphill: the start stays the best
    descend(backwards)
    assert torch.equal(backwards.best_NE[:1], torch.tensor([[-1.0, -0.5]])) and backwards.best_step_N[0] == 0


def test_a_descent_with_patience_ends_where_nothing_improves(decode, networks_NP, images):
    lso, taken = lso_of(decode, networks_NP, images, 60, validate_every=2), []
    step, lso.step = lso.step, lambda index: taken.append(index) or step(index)
    lso.objective.validate = lambda parameters_NP: (torch.zeros(2), torch.full((2,), min(len(taken), 10) / 10))  # better up to step 10
    descend(lso, 3)
    assert len(taken) == 10 + 2 * 3 and lso.best_quality_N.tolist() == [1.0, 1.0]
    taken.clear()
    assert len(descend(lso, 0).best_NE) == 2 and len(taken) == 60  # without it: every step


def test_the_teacher_is_the_network_that_the_config_names(gallery_store, monkeypatch):
    from engine.kinds.zoo.loading import load_zoo, taught
    from engine.tasks.images import lso_measuring

    class Looked(Exception):
        pass

    def looked(arch, images, teachers, *rest):
        raise Looked(teachers["val"])

    monkeypatch.setattr(lso_measuring, "Classifying", looked)
    space, found = load_space(gallery_store, "netspace-digits"), {}
    few = space.needed_images().first(20)
    for name in ("", "network-digits"):
        zoo, config = taught(gallery_store, space.zoo, name), replace(space.config, lso_teacher=name)
        with pytest.raises(Looked) as said:
            lso_measuring.evaluate_lso(space.model, zoo, config, few)
        found[name] = said.value.args[0]
    teacher = read(gallery_store, "network-digits")
    assert torch.allclose(found["network-digits"][0], teacher.logits(few, ("val",))["val"], atol=1e-4)
    assert not torch.allclose(found[""], found["network-digits"], atol=1e-1)
    with pytest.raises(InvalidValue, match="nobody is not available"):  # never silently another teacher
        lso_measuring.evaluate_lso(space.model, space.zoo, replace(space.config, lso_teacher="nobody"), few)
    with pytest.raises(InvalidValue, match="sees other images"):
        taught(gallery_store, load_zoo(gallery_store, "zoo-digits"), "network-cifar10-resnet20-mini")


def test_embeddings_descend_side_by_side_as_each_would_alone(decode, networks_NP, images):
    both = descend(lso_of(decode, networks_NP, images, 8))
    alone = lso_of(decode, networks_NP, images, 8)
    for name, tensor in alone.state().items():
        setattr(alone, name, tensor[1:].clone())
    assert torch.allclose(descend(alone).embedding_NE, both.embedding_NE[1:], atol=1e-4)


def test_a_term_of_the_embedding_is_added_to_the_loss(decode, networks_NP, images):
    pull = lso_of(decode, networks_NP, images, 40, terms=[lambda index, embedding_NE: 1e4 * (embedding_NE - 3).square().sum(-1)])
    plain = lso_of(decode, networks_NP, images, 40)
    assert (descend(pull).embedding_NE - 3).abs().max() < 0.8 < (descend(plain).embedding_NE - 3).abs().max()


def test_a_resumed_descent_is_bit_identical(decode, networks_NP, images, tmp_path):
    whole = lso_of(decode, networks_NP, images, 16, validate_every=3)
    run(whole)
    first = lso_of(decode, networks_NP, images, 16, validate_every=3)
    run(first, tmp_path / "checkpoint", "tag", stop=iter([False] * 7 + [True]).__next__)
    second = lso_of(decode, networks_NP, images, 16, validate_every=3)
    run(second, tmp_path / "checkpoint", "tag")
    for name, tensor in whole.state().items():
        assert torch.equal(tensor, second.state()[name]), name
    assert not torch.equal(first.embedding_NE, whole.embedding_NE)


# ---- shapes


@pytest.fixture(scope="module")
def spheres_NP():
    """Two SIRENs fitted a little to spheres of radius 0.4 and 0.7."""
    torch.manual_seed(0)
    rows = []
    for radius in (0.4, 0.7):
        module = SIREN.build()
        optimizer = torch.optim.Adam(module.parameters(), lr=2e-3)
        for _ in range(150):
            points_B3 = torch.rand(512, 3) * 2 - 1
            loss = (module(points_B3).flatten() - (points_B3.norm(dim=-1) - radius)).square().mean()
            optimizer.zero_grad(), loss.backward(), optimizer.step()
        rows.append(torch.nn.utils.parameters_to_vector(module.parameters()).detach())
    return torch.stack(rows)


def test_a_shape_is_nearest_to_itself_and_to_its_own_cloud(spheres_NP):
    objective = Shaping(SIREN, layers_of(spheres_NP[:1], SIREN))
    (own, other), (right, wrong) = objective.validate(spheres_NP)
    assert own == pytest.approx(0, abs=1e-8) and right == 1 and other > 0.01 and wrong < 0.9
    assert objective.loss(5, spheres_NP)[0].argmin() == 0
    directions_B3 = F.normalize(torch.randn(600, 3, generator=torch.Generator().manual_seed(0)), dim=-1)
    for row, radius in enumerate((0.4, 0.7)):
        cloud = Cloud(SIREN, radius * directions_B3, batch=1024)
        assert (
            cloud.loss(0, spheres_NP)[0].argmin() == row == cloud.validate(spheres_NP)[0].argmin() == cloud.validate(spheres_NP)[1].argmax()
        )


def test_clouds_are_normalised_and_wrong_files_refused(tmp_path):
    store = Store(tmp_path, tmp_path / "gallery")
    points_B3 = np.random.default_rng(0).normal(size=(200, 3)) * [3, 1, 1] + 50
    text = "\n".join(" ".join(map(str, row)) for row in points_B3)
    id_ = clouds.save(store, "scan.xyz", text.encode())
    found_B3 = clouds.load(store, id_)
    assert found_B3.shape == (200, 3) and np.linalg.norm(found_B3, axis=1).max() == pytest.approx(1 / 1.03, rel=1e-5)
    assert clouds.save(store, "again.csv", text.replace(" ", ",").encode()) == id_
    for name, content in (
        ("x.exe", b""),
        ("x.xyz", b""),
        ("x.xyz", b"1 2 3\n" * 100),
        ("x.xyz", b"a b c\n" * 100),
        ("x.xyz", b"1 2\n" * 100),
        ("x.xyz", b"nan 0 0\n" + b"1 2 3\n" * 100),
        ("x.xyz", b"\xff\xfe\x00"),
    ):
        with pytest.raises(InvalidValue):
            clouds.save(store, name, content)
    for wrong in ("", "../x", "cloud-0123456789ab"):
        with pytest.raises(UnknownId):
            clouds.load(store, wrong)


# ---- from a start in a space to an instance of it


@pytest.fixture(scope="module")
def own_store(tmp_path_factory) -> Store:
    root = tmp_path_factory.mktemp("lso")
    store = Store(root / "workspace", root / "gallery")
    write_tiny(store)
    return store


def test_starts(own_store):
    space = load_space(own_store, SPACE)
    ids = list(space.table["id"])
    assert torch.equal(work.start_of(space, LsoConfig(SPACE, ids[2]))[0], space.embeddings_NE[2])
    half_E, _ = work.start_of(space, LsoConfig(SPACE, ids[0], ids[1], 0.5))
    assert torch.allclose(half_E, (space.embeddings_NE[0] + space.embeddings_NE[1]) / 2)
    here = tuple(space.table[["x2", "y2"]].iloc[3])
    near_E, row = work.start_of(space, LsoConfig(SPACE, xy=here))
    assert row == 3, "a click on a point starts near it"
    with pytest.raises(UnknownId):
        work.start_of(space, LsoConfig(SPACE, "no-such"))


@pytest.mark.parametrize("objective", ["cloud", "answers"])
def test_an_objective_that_does_not_fit_is_refused(own_store, objective):
    space = load_space(own_store, SPACE)
    with pytest.raises((InvalidValue, UnknownId)):
        named = "zoo-tiny/no-such" if objective == "answers" else ""
        work.descent_of(own_store, space, LsoConfig(SPACE, "x", objective=objective, target=named), space.embeddings_NE[0])


def test_what_was_found_can_be_kept_and_is_an_instance_everywhere(own_store, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["engine"])
    before = load_space(own_store, SPACE)
    a = str(before.table["id"].iloc[-1])
    spec = lso_spec(SPACE, a, steps=12, lr=0.02, validate_every=3)
    host = Host(own_store, "cpu")
    try:
        assert len(host.space(SPACE).table) == len(before.table)
        result = work.carry_out(own_store, spec, tmp_path / "job", lambda: False, "cpu")
        points = Folder(tmp_path / "job").metrics()
        assert points[0]["step"] == 0 and points[-1]["step"] == 12 and all(len(point["xy"]) == 2 for point in points)
        assert result["validation"]["after"] >= result["validation"]["before"]
        assert points[-1]["outside"] is False and "too few" in result["outside"]["words"] and result["outside"]["agreement"] is None
        artifact = work.keep(own_store, spec, tmp_path / "job")
        assert (
            artifact.manifest.metrics["neighbour_percentile"]["n"] == 3
            and artifact.manifest.metrics["neighbour_percentile"]["value"] is None
        )
        assert artifact.manifest.metrics["test_accuracy"]["value"] == pytest.approx(result["test"]["after"]["value"])
        assert (
            artifact.manifest.config["lso"]["a"] == a
            and SPACE in artifact.manifest.inputs
            and artifact.manifest.provenance["command"].startswith("python -m engine lso")
        )
        space = host.space(SPACE)  # it noticed
        row = space.row(artifact.id)
        assert len(space.table) == len(before.table) + 1 and space.table["split"].iloc[row] == kept.SPLITS[kept.LSO]
        assert space.table.iloc[:row].equals(before.table.astype({"steps": float})) and np.isnan(space.table["steps"].iloc[row]), (
            "it was not trained for any length"
        )
        embedding_E = torch.from_numpy(work.found_embedding(tmp_path / "job"))
        assert torch.equal(space.embeddings_NE[row], embedding_E) and torch.allclose(
            space.decode(embedding_E[None])[0], space.parameters_NP[row]
        )
        assert host.step(SPACE, a, artifact.id, 1.0, images="all").accuracy == pytest.approx(result["test"]["after"]["value"])
        assert work.keep(own_store, spec, tmp_path / "job").id == artifact.id, "kept twice is kept once"
        taken = of_safetensors(work.found_bytes(own_store, before, spec, tmp_path / "job"))
        assert torch.equal(torch.cat([taken.tensors[entry.name].flatten() for entry in taken.arch.layout]), space.parameters_NP[row])
        assert taken.metrics["test_accuracy"]["value"] == pytest.approx(result["test"]["after"]["value"]) and taken.preprocessing
        columns = of_space(host, SPACE)
        listed = columns.row(columns.row_of(artifact.id))
        assert listed["kept"] and listed["split"] == "kept" and not listed["placed"]
        for name, id_ in (
            ("my best", "my-best"),
            ("my best", "my-best"),
            ("🎉 Größtes!", "grosstes"),
            ("最良", artifact.id),
            ("x" * 300, "x" * 80),
            (a, f"{a}-2"),
            (SPACE, f"{SPACE}-2"),
            ("../../up", "up"),
        ):
            found = work.keep(own_store, spec, tmp_path / "job", name)
            assert (
                found.id == id_
                and (found.manifest.title.startswith(name[:80]) or not name.isprintable())
                and "found by LSO" in found.manifest.title
            )
        assert a in set(host.space(SPACE).table["id"]) and own_store.open(SPACE).manifest.kind == "netspace", (
            "a name that is taken takes nothing"
        )
        write_tiny(own_store, "resnet8-digits")  # the space is made again: the network is of another one
        assert kept.ids(own_store, SPACE) == ()
    finally:
        host.close()


def test_in_a_space_of_several_architectures_the_wanted_one_is_found_and_kept(tmp_path, monkeypatch):
    from engine import presets
    from engine.make import train
    from tests.laws import test_multi as several

    monkeypatch.setattr("sys.argv", ["engine"])
    monkeypatch.setitem(presets.presets(), "zoo-digits-multi", lambda: several.ZOO)
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    quiet = lambda title, total: lambda step, metrics: None  # noqa: E731
    id_ = train(store, "netspace-digits-multi", several.SPACE, "cpu", quiet, "netspace-digits-multi").id
    space = load_space(store, id_)
    a, want = str(space.table["id"].iloc[0]), 1
    spec = lso_spec(id_, a, steps=40, lr=0.2, architecture=several.NAMES[want])
    work.carry_out(store, spec, tmp_path / "job", lambda: False, "cpu")
    last_E = torch.from_numpy(work.found_embedding(tmp_path / "job", "last"))
    assert space.model.class_logits(last_E[None]).argmax() == want, "the term of the wanted ClassId is in the loss"
    artifact = work.keep(store, spec, tmp_path / "job")
    found = load_space(store, id_)
    row = found.row(artifact.id)
    at = found.at(found.embeddings_NE[row])
    assert found.arch_of(row) == at.arch == architecture(artifact.manifest.config["architecture"])
    assert (
        torch.equal(found.parameters_NP[row, : at.arch.parameters], at.parameters_P)
        and (found.parameters_NP[row, at.arch.parameters :] == 0).all()
    )
    with pytest.raises(UnknownId):
        work.make_lso(store, space, LsoConfig(id_, a, architecture="resnet9"))
