"""Spaces of several architectures: the losses are the paper's, and what is done for many at once is what is done one by one."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional as F

from engine import datasets, presets
from engine.archs import architecture
from engine.bench.multi import loss_one_by_one
from engine.core.artifacts import Store
from engine.core.errors import InvalidValue
from engine.core.seeds import generator
from engine.kinds.netspace.space import load_space
from engine.kinds.netspace.training import space_training
from engine.learn.loop import run
from engine.make import evaluate, train
from engine.nets.by_architecture import accuracies_by_architecture, logits_by_architecture
from engine.nets.stacked import logits_one
from engine.tasks import task_of
from engine.tasks.images import lso_several
from engine.tasks.images.config import MultiSpaceConfig, MultiZooConfig
from engine.tasks.images.lso_several import optimise
from engine.tasks.images.measuring_several import LINES, evaluate_several, is_ordered, lines
from engine.tasks.images.teaching import boundary_pairs, gammas, knowledge_distillation
from engine.tasks.images.zoo import ZOOS

NAMES = ("lenetlike-small-digits", "vanillacnn-digits", "resnet8-digits")
ZOO = MultiZooConfig(
    NAMES, "digits", "resnet8-digits", train=(3, 2, 3), val=2, test=2, steps=(12, 12, 6), teacher_steps=6, batch=16, lr=3e-3
)
SPACE = MultiSpaceConfig(
    "zoo-digits-multi", prep_width=640, embedding=64, encoder_width=8, decoder_channels=(16, 64, 16), normalise="zoo", start="zoo",
    scale=0.3,
    networks=2, stratified=True, train=(3, 2, 3), images=16, steps=6, lr=2e-3, warmup=2, cosine=True, clip=1.0, validate_every=3,
)  # fmt: skip


@pytest.fixture(scope="module")
def images():
    torch.set_num_threads(1)
    return datasets.load("digits")


@pytest.fixture(scope="module")
def zoo(images):
    trainee = ZOOS.trainee(ZOO, images)
    for index in range(trainee.total):
        trainee.step(index)
    return ZOOS.grown(ZOO, trainee).zoo


def test_the_gammas_of_equation_12():
    assert gammas(4) == pytest.approx([1 / 3, 2 / 3])
    assert gammas(3) == [0.5]
    assert gammas(2) == []


def test_the_distillation_of_equations_3_to_5_is_that_of_one_network_at_a_time():
    predicted_NBK, teacher_BK, labels_B = torch.randn(3, 5, 4), torch.randn(5, 4), torch.randint(4, (5,))
    found_N = knowledge_distillation(predicted_NBK, teacher_BK, labels_B, alpha=0.7, temperature=4.0)
    for predicted_BK, found in zip(predicted_NBK, found_N):
        p, t = F.softmax(predicted_BK / 4, -1), F.softmax(teacher_BK / 4, -1)
        teaching = (t * (t.log() - p.log())).sum(-1).mean() * 16
        assert found == pytest.approx(float(0.7 * teaching + 0.3 * F.cross_entropy(predicted_BK, labels_B)), rel=1e-4)


def test_boundary_pairs_are_all_of_the_smallest_with_all_of_the_largest():
    a_N, b_N = boundary_pairs(torch.tensor([0, 2, 1, 0, 2, 3]), 4)
    assert list(zip(a_N.tolist(), b_N.tolist())) == [(0, 5), (3, 5)]
    assert len(boundary_pairs(torch.tensor([0, 1]), 4)[0]) == 0


def test_networks_of_several_architectures_answer_as_each_alone(zoo, images):
    ids_N = torch.tensor([2, 0, 1, 0, 2])
    rows = [zoo.rows("train", int(id_))[0] for id_ in ids_N]
    parameters_NZ = zoo.parameters_NP[rows] + 0.01 * torch.randn(5, zoo.parameters_NP.shape[1])
    images_BCHW = images.images["val"][:20]
    together_NBK = logits_by_architecture(parameters_NZ, ids_N, images_BCHW, zoo.archs)
    for parameters_Z, id_, found_BK in zip(parameters_NZ, ids_N, together_NBK):
        arch = zoo.archs[id_]
        assert torch.allclose(found_BK, logits_one(parameters_Z[: arch.parameters], images_BCHW, arch), atol=1e-4)
    other_NBK = logits_by_architecture(parameters_NZ, ids_N.flip(0).roll(1), images_BCHW, zoo.archs)
    assert not torch.allclose(together_NBK, other_NBK, atol=1e-2)  # control: the ClassId decides
    labels_B = images.labels["val"][:20]
    shares_N = (together_NBK.argmax(-1) == labels_B).float().mean(-1)
    assert accuracies_by_architecture(parameters_NZ, ids_N, images_BCHW, labels_B, zoo.archs).tolist() == pytest.approx(shares_N.tolist())


def test_the_loss_is_the_papers_one_network_at_a_time(zoo, images):
    trainee = space_training(SPACE, zoo, images)
    rows_N, picks_B = trainee.objective.instances(torch.Generator().manual_seed(1)), torch.arange(16)
    assert sorted(trainee.objective.all_class_ids_N[rows_N].tolist()) == [0, 0, 1, 1, 2, 2]
    expected = loss_one_by_one(trainee, rows_N, picks_B).item()
    assert trainee.loss(rows_N, picks_B).item() == pytest.approx(expected, rel=1e-5)
    assert trainee.loss(rows_N, picks_B + 16).item() != pytest.approx(expected, rel=1e-3)  # control: other images


def test_the_teacher_answers_the_shifted_images_that_the_networks_see(zoo, images, monkeypatch):
    from engine.tasks.images import teaching

    shown = {}
    for name in ("logits_one", "logits_by_architecture"):
        of = getattr(teaching, name)
        at = 1 if name == "logits_one" else 2
        monkeypatch.setattr(teaching, name, lambda *given, of=of, at=at, name=name: shown.update({name: given[at]}) or of(*given))
    trainee = space_training(replace(SPACE, augment=2, shift=0), zoo, images)
    rows_N, picks_B = trainee.objective.instances(torch.Generator().manual_seed(1)), torch.arange(16)
    trainee.loss(rows_N, picks_B, torch.Generator().manual_seed(2))
    assert torch.equal(shown["logits_one"], shown["logits_by_architecture"])
    assert not torch.equal(shown["logits_one"], images.images["train"][picks_B])
    shown.clear()
    trainee.loss(rows_N, picks_B)  # as they lie: what the teacher said of them is known
    assert torch.equal(shown["logits_by_architecture"], images.images["train"][picks_B]) and "logits_one" not in shown


def test_a_run_goes_on_where_it_stopped(zoo, images, tmp_path):
    whole = space_training(SPACE, zoo, images)
    run(whole)
    stopped = space_training(SPACE, zoo, images)
    left = iter([False] * 4 + [True])
    run(stopped, tmp_path / "checkpoint", "run", stop=lambda: next(left))
    resumed = space_training(SPACE, zoo, images)
    assert run(resumed, tmp_path / "checkpoint", "run").finished
    for name, tensor in whole.state().items():
        assert torch.equal(tensor, resumed.state()[name]), name
    other = space_training(replace(SPACE, seed=1), zoo, images)
    run(other)
    assert not torch.equal(other.model.decoder.bias_HW, whole.model.decoder.bias_HW)  # control


def test_unseen_architectures_are_never_shown(zoo, images):
    trainee = space_training(replace(SPACE, train=(3, 0, 2)), zoo, images)
    shown = set(trainee.objective.all_class_ids_N[trainee.objective.shown_N].tolist())
    assert shown == {0, 2}
    assert set(trainee.objective.all_class_ids_N[trainee.objective.val_N].tolist()) == {0, 2}
    assert trainee.loss(trainee.objective.instances(torch.Generator().manual_seed(0)), torch.arange(4)).isfinite()


def test_lso_descends_towards_the_wanted_class_id(zoo, images):
    trainee = space_training(SPACE, zoo, images)
    start_NE = trainee.model.encode(zoo.parameters_NP[zoo.rows("train")]).detach()
    for wanted in range(3):
        wanted_N = torch.full((len(start_NE),), wanted)
        before_N = F.cross_entropy(trainee.model.class_logits(start_NE), wanted_N, reduction="none")
        lso = optimise(trainee.model, zoo, images, start_NE, wanted_N, steps=20, lr=0.05)
        after_N = F.cross_entropy(trainee.model.class_logits(lso.embedding_NE), wanted_N, reduction="none")
        assert (after_N < before_N).all()
        assert (lso.best_quality_N >= 0).all() and lso.best_NE.isfinite().all()


@pytest.mark.parametrize("count, expected", [(1, 1), (3, 9), (5, LINES), (16, LINES)])
def test_no_line_is_measured_twice(count, expected):
    zoo = SimpleNamespace(archs=("small", "middle", "large"), rows=lambda split, id_: list(range(100 * id_, 100 * id_ + count)))
    starts, ends = lines(zoo, "test", seed=1)
    assert len(starts) == len(ends) == len(set(zip(starts, ends))) == expected
    assert max(starts) < 100 and min(ends) >= 200
    assert lines(zoo, "test", seed=1) == (starts, ends)


def test_class_ids_rise_along_a_line():
    assert is_ordered([0, 0, 1, 2, 2], 3)
    assert not is_ordered([0, 1, 0, 2], 3)
    assert not is_ordered([0, 2, 2], 3)  # one is missing


@pytest.mark.parametrize(
    "change",
    (
        {"architectures": NAMES[::-1]},
        {"architectures": (*NAMES[:2], NAMES[1])},
        {"train": (1, 1)},
        {"steps": (5, 5, 0)},
    ),
)
def test_a_wrong_zoo_is_refused(change, images):
    with pytest.raises(InvalidValue):
        ZOOS.trainee(replace(ZOO, **change), images)


def test_wrong_spaces_are_refused(zoo, images):
    for shown in ((3, 2), (3, 2, 4)):
        with pytest.raises(InvalidValue):
            space_training(replace(SPACE, train=shown), zoo, images)
    for change in ({"train": (0, 1, 1)}, {"normalise": "layer"}, {"alpha": 1.5}):
        with pytest.raises(InvalidValue):
            replace(SPACE, **change)


def test_the_descent_that_measures_a_space_is_as_long_and_as_fast_as_its_config_says(zoo, images, monkeypatch):
    seen = []

    def optimised(model, zoo, images, start_NE, wanted_N, steps, lr, seed, patience):
        seen.append((steps, lr, patience))
        return optimise(model, zoo, images, start_NE, wanted_N, 1, lr, seed)

    monkeypatch.setattr(lso_several, "optimise", optimised)
    for fields in ({}, {"lso_steps": 7, "lso_lr": 1e-4, "lso_patience": 9}):
        config = replace(SPACE, **fields)
        task_of("images").measure(space_training(config, zoo, images).model, zoo, config, images)
    assert seen == [(150, 1e-2, 0), (7, 1e-4, 9)]


def test_a_space_is_written_and_read(tmp_path, monkeypatch):
    torch.set_num_threads(1)
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    monkeypatch.setitem(presets.presets(), "zoo-digits-multi", lambda: ZOO)
    quiet = lambda title, total: lambda step, metrics: None  # noqa: E731
    made = train(store, "netspace-digits-multi", replace(SPACE, train=(3, 0, 2)), "cpu", quiet, "netspace-digits-multi")
    space = load_space(store, made.id)
    assert type(space) is type(load_space(store, made.id))
    assert [arch.id for arch in space.archs] == list(NAMES) and space.arch == architecture(NAMES[-1])
    assert set(space.table["seen"][space.table["class_id"] == 1]) == {False}
    measured = evaluate(store, store.open(made.id), "cpu")
    assert {name: entry["value"] for name, entry in measured.items()} == {
        name: entry["value"] for name, entry in made.manifest.metrics.items() if name not in ("seconds", "cpu_seconds")
    }
    assert measured["within_aligned_path_floor_mean"]["n"] == measured["within_path_beats_mixing_share"]["n"] == 2, "a pair of each seen"
    assert measured["class_id_accuracy"]["n"] == 4 and "gap_mean_vanillacnn-digits" not in measured and "gamma_gap_max_unseen" in measured

    images = datasets.load("digits")
    brief = space.task.measure(space.model, space.zoo, space.task.briefly(space.config, 100), images)
    own = by_name(brief, "predicted_accuracy", "class_id", "path_ordered", "gamma_accuracy")
    assert own and own == by_name(evaluate_several(space.model, space.zoo, images.first(100), (3, 0, 2), "test", "test"), *own)
    assert own != by_name(measured, *own), "which are not those of all images"
    assert all("the first 100 of 360 test images" in each["split"] for name, each in brief.items() if name != "spread_within_share")
    assert measured.keys() - brief.keys() == {name for name in measured if "activations" in name or "repaired" in name
                                             or name.startswith("lso_") or name.endswith("beats_mixing_share")}  # fmt: skip


def by_name(metrics: dict, *starts: str) -> dict[str, float]:
    return {name: each["value"] for name, each in metrics.items() if name.startswith(starts)}


def test_the_papers_presets_are_buildable():
    for name in ("zoo-cifar10-multi", "zoo-tinyimagenet-multi"):
        config = presets.config(name)
        assert [architecture(arch).parameters for arch in config.architectures] == sorted(
            architecture(arch).parameters for arch in config.architectures
        )
    for name in ("netspace-cifar10-multi", "netspace-cifar10-unseen", "netspace-tinyimagenet-multi", "netspace-tinyimagenet-unseen"):
        config = presets.config(name)
        cells = config.prep_height * config.prep_width
        assert cells >= architecture(presets.config(config.zoo).architectures[-1]).parameters


def test_a_step_in_bfloat16_points_where_that_in_float32_does(zoo, images):
    def asked(**changes) -> tuple[float, torch.Tensor]:
        training = space_training(replace(SPACE, **changes), zoo, images)
        rows_N, picks_B = training.objective.draw(generator(0))
        loss = training.loss(rows_N, picks_B)
        loss.backward()
        return float(loss.detach()), torch.cat([parameter.grad.flatten() for parameter in training.model.parameters()])

    (loss, slopes), (near, alike), (_, unlike) = asked(), asked(bf16=True), asked(seed=1)
    assert near == pytest.approx(loss, rel=0.02) and near != loss  # control: it is another arithmetic
    assert F.cosine_similarity(slopes, alike, 0) > 0.999 > 0.9 > F.cosine_similarity(slopes, unlike, 0)
