"""A space of any zoo in one command: what is planned follows from the zoo alone, holds every network, grows with it and fits the memory;
what is chosen is kept, so that a run that was stopped goes on, and its command makes the same space again, bit for bit."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import presets
from engine.cli.command import overridden
from engine.core.artifacts import Store
from engine.core.errors import InvalidValue, Stopped
from engine.kinds import kind_of
from engine.kinds.netspace import planning
from engine.kinds.netspace.auto import AutoSpaceConfig, plan_of
from engine.kinds.netspace.learnt import Learnt, learnt
from engine.kinds.netspace.space import load_space
from engine.kinds.zoo.loading import load_zoo
from engine.make import train
from engine.nets import answers
from engine.nets.alignment import repair
from engine.tasks import task_of
from engine.tasks.images import ending
from engine.tasks.images.config import ZooConfig
from engine.tasks.images.measuring import evaluate
from engine.tasks.sizing import ZooFacts, memory_of
from engine.tasks.task import Yardstick

ZOO = ZooConfig("lenetlike-digits", "digits", train=4, val=2, test=2, steps_min=4, steps_max=40, lr=3e-3, batch=32)
FACTS = ZooFacts("z", "images", 3350, (100,), 16, 16, 1078, 359)
TASKS = st.sampled_from(["images", "distances", "signals"])
COUNTS = st.lists(st.integers(2, 1000), min_size=1, max_size=4).map(tuple)


def crops(config, facts: ZooFacts) -> bool:
    return config.prep_height * config.prep_width < facts.parameters


def planned(facts: ZooFacts):
    """The plan, or None where no memory holds it."""
    try:
        return plan_of(facts)
    except InvalidValue as error:
        assert "memory" in str(error) and facts.id in str(error)
        return None


@settings(max_examples=60, deadline=None)
@given(TASKS, st.integers(1, 3_000_000), st.integers(1, 3_000_000), COUNTS, st.integers(28, 38))
def test_a_plan_never_crops_a_network_grows_with_it_and_fits_the_memory(task, first, second, counts, power):
    counts = counts if task == "images" else counts[:1]
    small, large = (ZooFacts("z", task, each, counts, 8, 8, 1000, 300, 1 << power) for each in sorted((first, second)))
    below, above = planned(small), planned(large)
    if below is None:
        return  # then a larger one does not fit either
    for config, facts in ((below, small), (above, large)):
        if config is not None:
            assert not crops(config, facts) and config == plan_of(facts)
            assert memory_of(config, facts, config.networks * (len(counts) if facts.several else 1)) <= facts.memory
    if above is not None:
        assert above.embedding >= below.embedding and above.prep_height >= below.prep_height
        assert above.prep_height * above.prep_width >= below.prep_height * below.prep_width
        assert above.networks <= below.networks


def test_what_the_law_would_not_let_pass():
    config = plan_of(FACTS)
    assert crops(replace(config, prep_width=config.prep_width - 8), FACTS), "it is the smallest that holds the network"
    with pytest.raises(InvalidValue, match="needs about .* GB of memory"):
        plan_of(replace(FACTS, memory=1 << 20))
    assert plan_of(replace(FACTS, memory=memory_of(config, FACTS, 2))).networks == 2 < config.networks
    with pytest.raises(InvalidValue, match="no variant 'best'.*noise 0.2"):
        plan_of(FACTS, "best")


def test_a_longer_time_is_more_steps_and_looks_stay_few():
    for steps in (20, 100, 5000, 100_000):
        config = plan_of(FACTS, steps=steps)
        assert config.steps == steps and config.warmup <= steps // 10 and steps // config.validate_every <= max(30 + 15, steps // 250)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("auto")
    store, before = Store(folder / "workspace", folder / "gallery"), torch.get_num_threads()
    torch.set_num_threads(1)
    train(store, "x", ZOO, "cpu", quiet, "zoo-mine")
    yield store
    torch.set_num_threads(before)


def quiet(title: str, total: int):
    return lambda step, metrics: None


def test_a_stopped_run_goes_on_with_what_was_chosen_and_its_command_makes_the_same_again(store, capsys, monkeypatch):
    monkeypatch.setattr(planning, "WORTH", 0)
    monkeypatch.setattr(planning, "FEWEST", 40)
    asked = AutoSpaceConfig("zoo-mine", minutes=0.001)
    stages: dict[str, list[int]] = {}

    def until(last: int):
        def progress(title: str, total: int):
            def on_step(step: int, metrics: dict) -> None:
                stages.setdefault(title, []).append(step)
                if title != "choosing" and step == last:
                    raise Stopped("enough")

            return on_step

        return progress

    with pytest.raises(Stopped):
        train(store, "netspace", asked, "cpu", until(10))
    said = capsys.readouterr().err
    assert "4 classifiers of 3,350 parameters to train on, 2 to choose by, 2 held out" in said and "ms:" in said
    monkeypatch.setattr(planning, "chosen", lambda *of: pytest.fail("chosen again"))
    made = train(store, "netspace", asked, "cpu", until(-1))
    assert stages["netspace-mine"] == list(range(1, 41)), "the second half begins where the first ended"
    chosen = made.manifest.provenance["chosen"]
    assert made.manifest.config == load_space(store, made.id).config.__dict__ | {"decoder_channels": [16, 256, 32]}
    assert chosen["steps"] == made.manifest.config["steps"] == 40 and chosen["judges"] == 2
    assert set(chosen["scores"]) == {"noise 0.2", "noise 0.4"}
    assert not [*(store.workspace / ".training" / made.id).glob("*")], "nothing is left behind"
    with pytest.raises(InvalidValue, match="taken"):
        train(store, "netspace", asked, "cpu", quiet)

    words = shlex.split(made.manifest.provenance["command"])
    assert words[:5] == ["python", "-m", "engine", "train", "netspace"]
    again = train(store, "netspace", overridden(presets.config("netspace"), words[7:]), "cpu", quiet, "again")
    weights = [each.manifest.files["model.safetensors"] for each in (made, again)]
    assert weights[0] == weights[1] and again.manifest.config == made.manifest.config

    found = learnt(load_space(store, made.id))
    by_name = {row.name: row for row in found.rows}
    assert by_name["gap"].value == pytest.approx(made.manifest.metrics["gap_mean"]["value"], abs=1e-6) and by_name["gap"].n == 2
    assert not found.worked and "It did not work: accuracy gap is" in found.words[0] and "would help" in " ".join(found.words)
    assert "mean network" in found.table() and 0 <= (by_name["agreement"].nearest or -1) <= 1


def test_what_does_not_fit_into_the_minutes_is_measured_briefly_and_says_so(store, monkeypatch):
    zoo = load_zoo(store, "zoo-mine")
    data = task_of("images").data(zoo, "cpu")
    facts, asked = planning.facts_of(zoo, "images", data), AutoSpaceConfig("zoo-mine", minutes=10)
    ends = task_of("images").endings(plan_of(facts), zoo, data)
    assert [config.brief for config, _ in ends] == [0, 250] and ends[0][1] > 2 * ends[1][1]

    def with_passes_of(seconds: float) -> tuple[int, float]:
        clock = SimpleNamespace(seconds=0.0)
        monkeypatch.setattr(ending, "one_pass", lambda zoo, data: setattr(clock, "seconds", clock.seconds + 10 * seconds) or 10)
        return planning.ending(asked, facts, zoo, data, clock)

    limit = planning.LONGEST_END * 600 - planning.MAP_SECONDS
    for passes, brief in ((ends[0][1], 0), (ends[1][1], 250)):
        found, seconds = with_passes_of(0.99 * limit / passes)
        assert found == brief and seconds == pytest.approx(0.99 * limit)
    assert with_passes_of(1.01 * limit / ends[0][1])[0] == 250 and with_passes_of(1.01 * limit / ends[1][1])[0] == 250, "the least"

    made, counted = train(store, "netspace", replace(asked, variant="noise 0.2", steps=20, brief=250), "cpu", quiet, "brief"), []
    parts = answers._in_parts
    monkeypatch.setattr(answers, "_in_parts", lambda p_NP, x, *of: counted.append(len(p_NP) * len(x)) or parts(p_NP, x, *of))
    space = load_space(store, made.id)
    found = space.task.measure(space.model, space.zoo, space.config, data)
    space.task.columns(space.model, space.zoo, space.config, data, space.embeddings_NE)
    rows = {row.name: row for row in learnt(space).rows}
    assert sum(counted) == ends[1][1], "what was foreseen is what it took"
    counted.clear()
    assert found.keys() == made.manifest.metrics.keys() - {"seconds", "cpu_seconds"} and "placed_gap_mean" not in found
    assert all("the first 250 of 360 test images" in each["split"] for each in found.values())
    assert rows["gap"].value == pytest.approx(found["gap_mean"]["value"], abs=1e-6)
    slow = evaluate(space.model, zoo.parameters_NP[zoo.rows("test")], zoo.arch, data.first(250), "test", "test")
    assert all(slow[name]["value"] == each["value"] for name, each in found.items()), "the same on those images, measured in full"
    assert "on the first 250 images only" in learnt(space).words[-1]

    run, repaired = repair.run, []
    monkeypatch.setattr(repair, "run", lambda arch, p_P, x, look: repaired.append(len(x)) or run(arch, p_P, x, look))
    full = kind_of("netspace").measure(store, made, "cpu")
    assert "placed_gap_mean" in full and sum(repaired) == ending.repairing(full["aligned_path_floor_mean"]["n"], data) > 0
    assert sum(counted) + ending.STATISTICS * sum(repaired) < ends[0][1], "gradients come on top"


@pytest.mark.parametrize("chooses", [True, False])
def test_a_trial_is_judged_by_its_score_whichever_way_its_figures_go(chooses):
    """PSNR rises, an error falls: where looks choose the model their score counts, which falls for both."""

    class Trial:
        total, objective, best_score = 3, SimpleNamespace(chooses=chooses), torch.tensor(float("inf"))

        def __init__(self, psnrs):
            self.psnrs = psnrs

        def step(self, index):
            self.best_score = torch.minimum(self.best_score, torch.tensor(-self.psnrs[index]))
            return {"loss": 1.0, "val_psnr": self.psnrs[index]}

    good, poor = (planning.tried(Trial(psnrs), lambda step, metrics: None) for psnrs in ([12.0, 21.0, 20.0], [11.0, 12.0, 12.5]))
    assert (good, poor) == ((-21.0, -12.5) if chooses else (20.0, 12.5))


def test_another_zoo_or_time_is_chosen_for_again(tmp_path):
    plan = planning.Plan("noise 0.2", 40, {}, 0, 2, 0.1, 0.5)
    (tmp_path / planning.CHOICE).write_text('{"key": "k", "variant": "noise 0.2", "steps": 40, "scores": {}, "trial": 0, "judges": 2, '
                                            '"step_seconds": 0.1, "busy": 0.5}')
    assert planning.kept(tmp_path, "k") == plan and planning.kept(tmp_path, "other") is None
    assert "4 seconds of computing, or 8 seconds by the clock while other programs use 50%" in plan.words
    (tmp_path / planning.CHOICE).write_text('{"key": "k"')
    assert planning.kept(tmp_path, "k") is None


def test_the_verdict_says_what_missed_its_goal_and_what_would_help():
    def of(**fields) -> Learnt:
        return Learnt("s", [Yardstick("gap", "accuracy gap", 0.09, 8, nearest=0.06, goal=0.05, rises=False, **fields)], 26, "classifiers")

    assert "more than 26 classifiers" in " ".join(of(seen=0.01).words) and "alone gives 0.060" in " ".join(of(seen=0.01).words)
    assert "--minutes" in " ".join(of(seen=0.2).words)
    good = Learnt("s", [Yardstick("gap", "accuracy gap", 0.03, 8, goal=0.05, rises=False)], 26, "classifiers")
    assert good.worked and good.words[0].startswith("It worked")


def test_a_zoo_without_a_split_or_of_no_name_is_refused_before_anything_is_trained(store, tmp_path):
    with pytest.raises(InvalidValue, match="0 instances in its split 'val'"):
        planning.check_facts(replace(FACTS, val=0))
    with pytest.raises(Exception, match="Which zoo"):
        train(store, "netspace", AutoSpaceConfig(), "cpu", quiet)
