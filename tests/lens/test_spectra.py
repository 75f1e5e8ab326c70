"""Spectra by QR against the dense product, and truncations against Eckart and Young; no torch."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from tests.lens.drawn import PREFIX, SIZES, dense, draw
from workbench.errors import ModelError
from workbench.lens.lens import read_lens
from workbench.lens.spectra import Spectrum
from workbench.lens.truncating import uniform, write
from workbench.lens.weights import read_adapter

PATTERNS = {
    "rank_pattern": {r"model\.layers\.0\.self_attn\.q_proj": 3},
    "alpha_pattern": {"down_proj": 5},
}
RANKS = {"model.layers.0.self_attn.q_proj": 3}
KINDS = {
    "plain": {},
    "rslora": {"use_rslora": True},
    "patterns": {"ranks": RANKS, **PATTERNS},
    "rslora with patterns": {"ranks": RANKS, "use_rslora": True, **PATTERNS},
    "an odd alpha": {"lora_alpha": 7.3},
    "a rank above the smaller side": {"ranks": 20},
}


@pytest.mark.parametrize("kind", KINDS)
def test_singular_values_are_those_of_the_dense_product(kind, tmp_path):
    folder = draw(tmp_path / "a", **KINDS[kind])
    products = dense(folder)
    for one in read_lens(folder).spectra:
        theirs = np.linalg.svd(products[one.module], compute_uv=False)
        ours = np.zeros(len(theirs))
        ours[: len(one.values)] = one.values[: len(theirs)]
        assert ours == pytest.approx(theirs, abs=1e-9 * theirs[0])
        assert (one.outputs, one.inputs) == products[one.module].shape
        assert one.energy == pytest.approx(np.linalg.norm(products[one.module]) ** 2)


@pytest.mark.parametrize("kind", KINDS)
def test_the_error_of_every_truncation_that_is_written_is_that_of_eckart_and_young(kind, tmp_path):
    folder = draw(tmp_path / "a", **KINDS[kind])
    lens, products = read_lens(folder), dense(folder)
    for rank in range(1, lens.highest + 1):
        cut = dense(lens.truncate(rank=rank, out=tmp_path / f"r{rank}"))
        for one in lens.spectra:
            whole = products[one.module]
            apart = np.linalg.norm(whole - cut[one.module])
            theirs = np.linalg.svd(whole, compute_uv=False)[min(rank, one.rank) :]
            size = np.linalg.norm(whole)
            assert one.error(min(rank, one.rank)) == pytest.approx(
                np.linalg.norm(theirs), abs=1e-9 * size
            )
            assert apart == pytest.approx(one.error(min(rank, one.rank)), abs=1e-6 * size)
            assert one.kept(rank) == pytest.approx(1 - (apart / size) ** 2, abs=1e-6)
            assert np.linalg.matrix_rank(cut[one.module], tol=1e-5 * size) <= rank


def test_no_other_matrices_of_that_rank_come_closer(tmp_path):
    """A random search from the truncation itself finds nothing better: the theorem, not our formula."""
    folder = draw(tmp_path / "a")
    lens, products = read_lens(folder), dense(folder)
    cut = load_file(lens.truncate(rank=2, out=tmp_path / "r2") / "adapter_model.safetensors")
    generator = np.random.default_rng(0)
    for one in lens.spectra:
        a = cut[f"{PREFIX}{one.module}.lora_A.weight"].astype(float)
        b = 2 * cut[f"{PREFIX}{one.module}.lora_B.weight"].astype(float)
        for size in (1e-1, 1e-2, 1e-3):
            for _ in range(50):
                other = (b + size * generator.normal(size=b.shape)) @ (
                    a + size * generator.normal(size=a.shape)
                )
                assert np.linalg.norm(products[one.module] - other) >= one.error(2) * (1 - 1e-6)


def test_both_factors_carry_the_same_and_the_scale_stays(tmp_path):
    folder = draw(tmp_path / "a", ranks=8, lora_alpha=12)
    out = read_lens(folder).truncate(rank=3, out=tmp_path / "r3")
    config = json.loads((out / "adapter_config.json").read_text())
    assert config["lora_alpha"] / config["r"] == 12 / 8
    assert (config["rank_pattern"], config["alpha_pattern"]) == ({}, {})
    tensors = load_file(out / "adapter_model.safetensors")
    for module in SIZES:
        a = tensors[f"{PREFIX}{module}.lora_A.weight"]
        b = tensors[f"{PREFIX}{module}.lora_B.weight"]
        assert np.linalg.norm(a, axis=1) == pytest.approx(np.linalg.norm(b, axis=0), rel=1e-5)


def test_ranks_of_their_own_are_written_as_patterns_that_peft_reads(tmp_path):
    folder = draw(tmp_path / "a", use_rslora=True)
    lens, products = read_lens(folder), dense(folder)
    ranks = dict(zip(SIZES, (1, 4, 2, 6), strict=True))
    cut = dense(lens.truncate(ranks=ranks, out=tmp_path / "cut"))
    for one in lens.spectra:
        apart = np.linalg.norm(products[one.module] - cut[one.module])
        size = np.linalg.norm(products[one.module])
        assert apart == pytest.approx(one.error(ranks[one.module]), abs=1e-6 * size)


def test_bfloat16_is_read_as_what_it_is(tmp_path):
    from safetensors import TensorSpec, serialize_file

    folder = draw(tmp_path / "a")
    path = folder / "adapter_model.safetensors"
    halves = {
        name: np.ascontiguousarray(tensor.view(np.uint32) >> 16).astype(np.uint16)
        for name, tensor in load_file(path).items()
    }
    cut_off = {name: (one.astype(np.uint32) << 16).view(np.float32) for name, one in halves.items()}
    specs = {
        name: TensorSpec(
            dtype="bfloat16", shape=one.shape, data_ptr=one.ctypes.data, data_len=one.nbytes
        )
        for name, one in halves.items()
    }
    serialize_file(specs, path, metadata={"format": "pt"})
    found = {one.module: one.values for one in read_lens(folder).spectra}
    save_file(cut_off, path, metadata={"format": "pt"})
    for one in read_lens(folder).spectra:
        assert found[one.module] == one.values


def test_an_adapter_that_was_never_trained_keeps_all_of_nothing(tmp_path):
    folder = draw(tmp_path / "a")
    path = folder / "adapter_model.safetensors"
    tensors = load_file(path)
    save_file(
        {name: one * (0 if "lora_B" in name else 1) for name, one in tensors.items()},
        path,
        metadata={"format": "pt"},
    )
    lens = read_lens(folder)
    assert lens.is_empty
    assert {(one.effective_rank, one.kept(1), one.error(1)) for one in lens.spectra} == {(0, 1, 0)}
    cut = dense(lens.truncate(rank=1, out=tmp_path / "r1"))
    assert not any(one.any() for one in cut.values())


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=12), st.integers(1, 12))
def test_effective_rank_lies_between_one_and_the_number_of_values(values, equal):
    values = tuple(sorted(values, reverse=True))
    found = Spectrum("m", values, len(values), 8, 8).effective_rank
    positive = sum(value > 0 for value in values)
    assert (1 - 1e-9 <= found <= positive + 1e-9) if positive else found == 0
    assert Spectrum("m", (0.5,) * equal, equal, 8, 8).effective_rank == pytest.approx(equal)


def test_what_is_no_lora_matrix_is_carried_over_to_the_bit(tmp_path):
    generator = np.random.default_rng(1)
    head = {f"{PREFIX}lm_head.weight": generator.normal(size=(9, 12)).astype(np.float32)}
    folder = draw(tmp_path / "a", extra=head, modules_to_save=["lm_head"])
    out = write(
        read_adapter(folder),
        ranks=uniform(read_adapter(folder), rank=2),
        folder=tmp_path / "deep" / "r2",
    )
    (name,) = head
    assert np.array_equal(load_file(out / "adapter_model.safetensors")[name], head[name])
    assert json.loads((out / "adapter_config.json").read_text())["modules_to_save"] == ["lm_head"]
    assert read_lens(folder).carried == (name,)


REFUSED = {
    "use_dora": ({"use_dora": True}, "is a DoRA"),
    "pissa": ({"init_lora_weights": "pissa_niter_4"}, "hold a part of the base"),
    "another method": ({"peft_type": "IA3"}, "only LORA has a rank"),
    "more than a plain LoRA": ({"lora_bias": True}, "lora_bias=True"),
    "another rank": ({"r": 5}, "do not belong together"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_two_matrices_do_not_say_is_refused(name, tmp_path):
    config, words = REFUSED[name]
    folder = draw(tmp_path / "a", ranks=6, **{"r": 6, **config})
    with pytest.raises(ModelError, match=words):
        read_lens(folder)


def test_matrices_that_are_not_whole_or_no_numbers_are_refused(tmp_path):
    folder = draw(tmp_path / "a")
    path = folder / "adapter_model.safetensors"
    tensors = load_file(path)
    name = next(name for name in tensors if "lora_B" in name)
    lost = {key: one for key, one in tensors.items() if key != name}
    save_file(lost, path, metadata={"format": "pt"})
    with pytest.raises(ModelError, match="is not whole"):
        read_lens(folder)
    broken = tensors[name].copy()
    broken[0, 0] = np.nan
    save_file({**tensors, name: broken}, path, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"1 weights of .* are NaN"):
        read_lens(folder)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ModelError, match="cut short"):
        read_lens(folder)
    path.rename(folder / "adapter_model.bin")
    with pytest.raises(ModelError, match="pickles are not opened"):
        read_lens(folder)


def test_the_lens_loads_no_torch(tmp_path):
    folder = draw(tmp_path / "a")
    code = (
        "import sys\nfrom workbench.lens import read_lens\n"
        f"lens = read_lens({str(folder)!r})\nlens.truncate(rank=2, out={str(tmp_path / 'out')!r})\n"
        "assert lens.suggest(energy=0.9)\n"
        "print({'torch', 'peft', 'transformers'} & {m.split('.')[0] for m in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
