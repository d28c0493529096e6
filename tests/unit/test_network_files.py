"""Networks as people save them: every kind of file, dtype, wrapper and nesting is read as what it is, or called what it is."""

from __future__ import annotations

import argparse
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engine.archs import all_architectures, architecture, imported_architectures, variant
from engine.archs.folding import fold_batch_norm
from engine.core.errors import CheckpointMismatch, InvalidValue, UnknownId
from engine.nets.fitting import fit, forms, with_statistics
from engine.nets.naming import behind
from engine.nets.reading import Checkpoint, read_checkpoint, unpack
from engine.nets.sniffing import KNOWN

ARCH = "resnet8-digits"
PRETRAINED = Path(__file__).resolve().parents[3] / "shared" / "networks"
FLOATS = (torch.bfloat16, torch.float16, torch.float64, torch.float8_e4m3fn, torch.float8_e5m2)


def state(id_: str = ARCH, seed: int = 0) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    return architecture(id_).build().state_dict()


def held(tensors: dict, name: str = "mine.pt") -> Checkpoint:
    """What reading a file with those things in it gives."""
    return Checkpoint(name, {key: tensor.float().numpy() for key, tensor in tensors.items()})


def read(path: Path) -> Checkpoint:
    """`read_checkpoint` without its process."""
    said, arrays = unpack(str(path), path.name)
    return Checkpoint(path.name, arrays, **said)


def save(tensors: dict, path: Path) -> Path:
    save_file(tensors, path) if path.suffix == ".safetensors" else torch.save(tensors, path)
    return path


def same(fitted, tensors: dict, prefix: str = "") -> bool:
    return all(torch.equal(tensor, tensors[prefix + name].float()) for name, tensor in fitted.module.state_dict().items())


@pytest.mark.parametrize("form", ["safetensors", "pt", "npz"])
def test_every_kind_of_file_is_read_in_a_process_of_its_own(form, tmp_path):
    path, tensors = tmp_path / f"mine.{form}", state()
    np.savez(path, **{name: tensor.numpy() for name, tensor in tensors.items()}) if form == "npz" else save(tensors, path)
    fitted = fit(read_checkpoint(path))
    assert fitted.arch.id == ARCH and fitted.note == "" and same(fitted, tensors)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("form", ["safetensors", "pth"])
def test_floats_of_any_width_become_float32(form, dtype, tmp_path):
    tensors = {name: tensor.to(dtype) for name, tensor in state().items()}
    found = read(save(tensors, tmp_path / f"mine.{form}"))
    assert not found.odd and {array.dtype for array in found.arrays.values()} == {np.dtype("float32")}
    assert same(fit(found), tensors)


@pytest.mark.parametrize("dtype", [torch.int64, torch.int8, torch.uint8, torch.bool, torch.complex64, torch.uint16], ids=str)
@pytest.mark.parametrize("form", ["safetensors", "pt"])
def test_weights_that_are_no_floats_are_refused_by_name_and_dtype(form, dtype, tmp_path):
    tensors = {**state(), "fc.weight": state()["fc.weight"].to(dtype)}
    with pytest.raises(InvalidValue, match=f"fc.weight is {str(dtype).removeprefix('torch.')}"):
        fit(read(save(tensors, tmp_path / f"mine.{form}")), ARCH)


@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda t: t.to_sparse(), "sparse float32"),
        (lambda t: t.to("meta"), "meta"),
        (lambda t: torch.quantize_per_tensor(t, 0.1, 0, torch.qint8), "quantised"),
    ],
)
def test_tensors_without_plain_values_are_refused(spoil, words, tmp_path):
    with pytest.raises(InvalidValue, match=f"fc.weight is .*{words}|cannot be read"):
        fit(read(save({**state(), "fc.weight": spoil(state()["fc.weight"])}, tmp_path / "mine.pt")), ARCH)


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "model.", "net.", "model.module.", "network.backbone."]
)
def test_what_all_names_share_is_stripped(prefix):
    tensors = {prefix + name: tensor for name, tensor in state().items()}
    assert same(fit(held(tensors)), tensors, prefix)


@pytest.mark.parametrize("path", ["net", "model", "model_state_dict", "state_dict", "network", "ema", "checkpoint.model", "a.b.c"])
def test_a_dict_of_names_and_tensors_is_found_whatever_holds_it(path, tmp_path):
    nested: dict = state()
    for part in reversed(path.split(".")):
        nested = {
            part: nested,
            "epoch": 3,
            "acc": 91.2,
            "optimizer": {"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 0.1}]},
        }
    fitted = fit(read(save(nested, tmp_path / "mine.ckpt")))
    assert fitted.arch.id == ARCH and fitted.note == "" and same(fitted, state())


def test_wrappers_within_names_and_counters_do_not_matter():
    tensors = {name.replace("blocks.", "blocks._orig_mod."): tensor for name, tensor in state().items()}
    extra = {
        f"{part}{name}": torch.zeros(1)
        for part in ("", "fc.", "stem.conv.")
        for name in ("total_ops", "total_params", "num_batches_tracked", "n_averaged")
    }
    assert fit(held({**tensors, **extra})).arch.id == ARCH
    with pytest.raises(CheckpointMismatch, match="also has aux.weight"):
        fit(held({**tensors, "aux.weight": torch.zeros(1)}), ARCH)


@pytest.mark.parametrize("ema", ["state_dict_ema", "model_ema", "ema", "ema.module", "swa_model", "state_dict_ema.module"])
def test_the_raw_weights_are_taken_and_the_average_beside_them_is_said(ema):
    raw, averaged = state(), state(seed=1)
    file = held(
        {f"state_dict.module.{name}": tensor for name, tensor in raw.items()}
        | {f"{ema}.{name}": tensor for name, tensor in averaged.items()}
    )
    for weights in ("", "raw", "state_dict"):
        fitted = fit(file, None, weights)
        assert same(fitted, raw) and ema.split(".")[0] in fitted.note and "--weights ema" in fitted.note
    fitted = fit(file, ARCH, "ema")
    assert same(fitted, averaged) and "--weights raw" in fitted.note
    with pytest.raises(InvalidValue, match="'state_dict'"):
        fit(file, None, "nobody")
    with pytest.raises(InvalidValue, match="ema"):
        fit(held(raw), None, "ema")


@pytest.mark.parametrize(
    "holder", ["optimizer.exp_avg", "optimizer.state.exp_avg_sq", "optim.momentum_buffer", "grad", "optimizer_state_dict.ema"]
)
def test_what_an_optimiser_keeps_for_each_weight_is_no_network(holder, tmp_path):
    def file(tensors: dict) -> Checkpoint:
        return held({f"{holder}.{name}": tensor + 1 for name, tensor in state().items()} | tensors)

    fitted = fit(file({f"model.{name}": tensor for name, tensor in state().items()}))
    assert same(fitted, state()) and fitted.note == ""
    for arch in (None, ARCH):
        with pytest.raises(InvalidValue, match="optimiser's state or counters, and no weights"):
            fit(file({}), arch)


@pytest.mark.parametrize(
    "wrapped", [lambda name: name.startswith("blocks"), lambda name: "stem" in name, lambda name: name.endswith("bias")]
)
@pytest.mark.parametrize("wrapper", ["module", "_orig_mod", "module._orig_mod"])
def test_a_part_of_a_network_may_be_wrapped(wrapped, wrapper):
    at_front = {f"{wrapper}.{name}" if wrapped(name) else name: tensor for name, tensor in state().items()}
    within = {name.replace(".", f".{wrapper}.", 1) if wrapped(name) else name: tensor for name, tensor in state().items()}
    assert same(fit(held(at_front)), state()) and same(fit(held(within)), state())


def test_a_word_that_ends_as_a_wrapper_does_is_none():
    tensors = {f"mymodule.{name}": tensor for name, tensor in state().items()}
    assert same(fit(held(tensors)), tensors, "mymodule.") and "mymodule.x" in str(
        pytest.raises(CheckpointMismatch, fit, held({**tensors, "mymodule.x": torch.zeros(1)}), ARCH).value
    )


@pytest.mark.parametrize("name", ["a\nb.x", "\x1b[31mred.x", "\u202eback.x", "\udc80.x"])
def test_names_of_any_letters_are_shown_in_one_line(name, tmp_path):
    with pytest.raises(CheckpointMismatch) as refused:
        fit(read(save({**state(), name: torch.zeros(1)}, tmp_path / "mine.pt")), ARCH)
    assert str(refused.value).isprintable() and str(refused.value).encode()


@pytest.mark.parametrize("extra", [{"note": np.array("mine")}, {"day": np.array(["2020-01-01"], "datetime64[D]")}, {}])
@pytest.mark.parametrize("dtype", [">f4", "<f8", "g"])
def test_arrays_of_any_byte_order_and_words_beside_them(dtype, extra, tmp_path):
    np.savez(tmp_path / "mine.npz", **{name: np.asfortranarray(tensor.numpy().astype(dtype)) for name, tensor in state().items()}, **extra)
    assert same(fit(read(tmp_path / "mine.npz")), state())


def test_a_tensor_that_is_a_lazy_negative_is_its_values(tmp_path):
    torch.save({**state(), "fc.bias": torch._neg_view(state()["fc.bias"])}, tmp_path / "mine.pt")
    assert torch.equal(fit(read(tmp_path / "mine.pt")).module.fc.bias, -state()["fc.bias"])


@pytest.mark.parametrize(
    "accuracy, expected",
    [
        (torch.tensor(91.5), 0.915),
        (np.float64(0.5), 0.5),
        (91, 0.91),
        (torch.tensor(91.0, device="meta"), None),
        (float("nan"), None),
        (10**400, None),
        (torch.tensor([91.0]), None),
        (True, None),
        (-1.0, None),
    ],
)
def test_an_accuracy_that_the_file_states_is_a_number_or_nothing(accuracy, expected, tmp_path):
    torch.save({"state_dict": state(), "best_prec1": accuracy}, tmp_path / "mine.pt")
    found = read(tmp_path / "mine.pt")
    assert found.accuracy == (expected and pytest.approx(expected, abs=1e-6)) and same(fit(found), state())


def test_several_networks_that_fit_are_a_question():
    first, second = state(), state(seed=1)
    file = held(
        {f"student.{name}": tensor for name, tensor in first.items()} | {f"teacher.{name}": tensor for name, tensor in second.items()}
    )
    with pytest.raises(InvalidValue, match="'student', 'teacher'.*--weights student"):
        fit(file)
    assert same(fit(file, None, "teacher"), second)


@pytest.mark.parametrize(
    "spelling", [{"fc": "linear"}, {"downsample": "shortcut"}, {"fc": "linear", "downsample": "shortcut"}, {"fc": "classifier"}]
)
@pytest.mark.parametrize("id_", ["resnet20a-cifar10", "resnet20b-cifar10", "resnet18-cifar10"])
def test_usual_spellings_are_one(id_, spelling):
    tensors = state(id_)
    for ours, theirs in spelling.items():
        tensors = {name.replace(f"{ours}.", f"{theirs}."): tensor for name, tensor in tensors.items()}
    fitted = fit(held(tensors))
    assert fitted.arch.id == id_ and all(
        torch.equal(a, b)
        for a, b in zip(fitted.module.parameters(), (t for n, t in tensors.items() if not n.endswith(("mean", "var", "tracked"))))
    )


@pytest.mark.parametrize("id_", [*all_architectures(), *imported_architectures()])
def test_every_architecture_is_recognised_by_its_names_and_shapes(id_):
    with torch.device("meta"):
        tensors = architecture(id_).build().state_dict()
    found = Checkpoint("mine.pt", {name: np.broadcast_to(np.float32(0.5), tensor.shape) for name, tensor in tensors.items()})
    assert fit(found).arch.id == id_


@pytest.mark.parametrize("id_", ["resnet18-imagenet", "resnet18-cifar10", "resnet20a-cifar10", "squeezenet1_1-imagenet"])
def test_any_number_of_classes_has_an_architecture(id_):
    arch = variant(architecture(id_), 7)
    assert arch.id == f"{id_}-c7" and architecture(arch.id).classes == 7
    small = variant(arch, side=32) if arch.input_shape[-1] != 32 else arch
    assert architecture(small.id).input_shape == (3, 32, 32)
    with torch.no_grad():
        assert small.build()(torch.randn(1, 3, 32, 32)).shape == (1, 7)
    assert fit(held(arch.build().state_dict())).arch.id == arch.id
    for wrong in (f"{id_}-c0", f"{id_}-c7-8px", f"{ARCH}-c7", f"{id_}-c{architecture(id_).classes}", f"{id_}-c7-c8"):
        with pytest.raises(UnknownId):
            architecture(wrong)


@pytest.mark.parametrize("id_", ["resnet8-digits", "resnet20-cifar10"])
def test_the_form_with_batch_norm_is_folded(id_):
    torch.manual_seed(0)
    module = with_statistics(architecture(id_))
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            tensor.uniform_(0.5, 1.5) if "norm" in name and tensor.is_floating_point() else None
    images_BCHW = torch.randn(4, *architecture(id_).input_shape)
    fitted = fit(held({f"module.{name}": tensor for name, tensor in module.state_dict().items()}))
    assert fitted.arch.id == id_
    with torch.no_grad():
        assert torch.allclose(
            fitted.module(images_BCHW), module(images_BCHW), rtol=1e-3, atol=1e-3 * float(module(images_BCHW).abs().max())
        )
        assert torch.equal(fitted.module(images_BCHW), fold_batch_norm(module)(images_BCHW))
    bare = {name: tensor for name, tensor in module.state_dict().items() if "running" not in name}
    with pytest.raises(InvalidValue, match="running statistics"):
        fit(held(bare), id_)


def test_a_mismatch_shows_the_files_names_beside_those_expected():
    with pytest.raises(CheckpointMismatch, match="convs.0.weight.*Expected: stem.conv.weight, .* and 15 more"):
        fit(held(state("lenetlike-digits")), ARCH)
    with pytest.raises(CheckpointMismatch, match=r"first names: encoder.w.0, encoder.w.1.*nearest is"):
        fit(held({f"encoder.w.{i}": torch.zeros(2) for i in range(9)}))
    with pytest.raises(CheckpointMismatch, match=r"wrong shape in fc.weight \(3, 3\) instead of"):
        fit(held({**state(), "fc.weight": torch.zeros(3, 3)}), ARCH)


class Config:
    """Something of the person's own."""


@pytest.mark.parametrize(
    "thing, what",
    [
        (argparse.Namespace(lr=0.1), "an argparse.Namespace"),
        (Config(), "Config"),
        (torch.nn.Linear(2, 2), "torch.nn.modules.linear.Linear"),
    ],
)
@pytest.mark.parametrize("legacy", [False, True])
def test_what_is_forbidden_is_named_with_the_way_out(thing, what, legacy, tmp_path):
    torch.save({"state_dict": state(), "args": thing}, tmp_path / "mine.pt", _use_new_zipfile_serialization=not legacy)
    with pytest.raises(InvalidValue, match=rf"mine.pt holds .*{what}.*torch.save\(model.state_dict\(\), path\)") as refused:
        read(tmp_path / "mine.pt")
    assert "documentation" not in str(refused.value)


@pytest.mark.parametrize(
    "value",
    [np.float64(0.9), np.float32(0.9), np.int64(3), np.bool_(True), np.arange(3.0), np.str_("x")],
    ids=lambda value: type(value).__name__,
)
def test_numpys_scalars_do_no_harm(value, tmp_path):
    torch.save({"state_dict": state(), "best": value}, tmp_path / "mine.pt")
    assert fit(read(tmp_path / "mine.pt")).arch.id == ARCH


def zipped(members: dict[str, str]):
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as file:
            for name, text in members.items():
                file.writestr(name, text)

    return write


FILES = {
    "Git LFS pointer": lambda path: path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 123\n"),
    "web page": lambda path: path.write_bytes(b"\n<!DOCTYPE html><html><body>Not found</body></html>"),
    "is an empty file": lambda path: path.write_bytes(b""),
    "cut off or damaged": lambda path: path.write_bytes(save(state(), path).read_bytes()[:900]),
    "a zip, but not one of torch": zipped({"readme.txt": "hello"}),
    "plain Python pickle": lambda path: path.write_bytes(b"\x80\x04}\x94."),
    "TorchScript": lambda path: torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), path),
    "exported program": zipped({"x/archive_format": "pt2"}),
    "Keras": zipped({"config.json": "{}", "model.weights.h5": ""}),
    "index of a checkpoint": lambda path: path.write_text(json.dumps({"weight_map": {"a": "model-1.safetensors"}})),
    "is a text": lambda path: path.write_text("epoch 3 accuracy 0.9"),
    "damaged": lambda path: path.write_bytes(b"\x00\xfe" * 50),
    "tar archive": lambda path: path.write_bytes(bytes(257) + b"ustar" + bytes(250)),
    "no state dict": lambda path: torch.save([1, 2], path),
    **{what: (lambda path, start=start: path.write_bytes(start + b"rest")) for start, (what, _) in KNOWN.items() if "LFS" not in what},
}


@pytest.mark.parametrize("what", FILES)
@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
@pytest.mark.filterwarnings("ignore")
def test_a_file_is_called_what_it_is_whatever_its_name(what, suffix, tmp_path):
    path = tmp_path / "mine.pt"
    FILES[what](path)
    path = path.rename(tmp_path / f"mine.{suffix}")
    with pytest.raises(InvalidValue) as refused:
        read(path)
    said = str(refused.value)
    assert said.startswith("mine.") and what in said and said.count("\n") == 0 and said.endswith((".", ")."))


def test_a_legacy_file_of_torch_is_read(tmp_path):
    torch.save({"net": state()}, tmp_path / "mine.th", _use_new_zipfile_serialization=False)
    assert same(fit(read(tmp_path / "mine.th")), state())


@pytest.mark.parametrize(
    "make",
    [lambda: torch.zeros(1).expand(1 << 50), lambda: torch.empty(0, (1 << 62))],
    ids=["a terabyte of one number", "no values, a shape without end"],
)
def test_a_shape_that_would_take_all_memory_takes_none(make, tmp_path):
    torch.save({"a": make(), "b": torch.zeros(2)}, tmp_path / "mine.pt")
    with pytest.raises(InvalidValue):
        fit(read_checkpoint(tmp_path / "mine.pt"), ARCH)


def test_tensors_of_any_size_are_found_by_their_first_name():
    layers = {f"layers.{i}.{part}": torch.ones(2) for i in range(2) for part in ("weight", "bias")}
    wrapped = held({f"state_dict.module.{name}": tensor for name, tensor in layers.items()} | {"ema.layers.0.weight": torch.zeros(2)})
    assert behind(wrapped, "layers.0.weight").keys() == layers.keys() and behind(held(layers), "layers.0.weight")["layers.0.weight"].all()
    assert behind(held({"x.a": torch.ones(1)}), "layers.0.weight").keys() == {"a"}


@pytest.mark.skipif(not PRETRAINED.is_dir(), reason="the networks of others are not here")
@pytest.mark.parametrize("file, id_", [("resnet20-12fca82f.th", "resnet20a-cifar10"), ("resnet56-4bfd9763.th", "resnet56a-cifar10")])
def test_the_most_used_networks_of_cifar_are_recognised(file, id_):
    fitted = fit(read(PRETRAINED / file))
    assert fitted.arch.id == id_ and not fitted.module.training and len(forms(fitted.arch)) == 1
    assert fitted.module(torch.zeros(1, 3, 32, 32)).shape == (1, 10)
