"""The peer of `bench_decode.py`: Hugging Face's Llama in the shape of SmolLM2, by itself.

TensorFlow and PyTorch can't share a process. Random weights: how fast they are read does not depend
on what they say.

    python -m tests.bench.torch_decode WEIGHTS.npz

writes the weights, says `ready`, and then takes one line for each text to write: the number of
tokens and the ids of the prompt. It answers with the seconds to the first token, the seconds to the
last, and the ids.
"""

import json
import sys
from time import perf_counter

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

SHAPE = dict(
    vocab_size=49_152,
    max_position_embeddings=512,
    hidden_size=576,
    num_hidden_layers=30,
    num_attention_heads=9,
    num_key_value_heads=3,
    intermediate_size=1536,
    rms_norm_eps=1e-5,
    tie_word_embeddings=True,
)


def write(model, ids, length):
    """Greedy, all `length` tokens, with the cache that `generate` keeps by itself."""
    start = perf_counter()
    text = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=length,
        min_new_tokens=length,
        pad_token_id=0,
    )
    return perf_counter() - start, text[0, ids.shape[1] :].tolist()


def main(path: str) -> None:
    """Answer line by line until the input ends."""
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(**SHAPE)).eval()
    arrays = {name: value.numpy() for name, value in model.state_dict().items()}
    arrays.pop("lm_head.weight")  # the table again
    np.savez(path, **arrays)
    print("ready", flush=True)
    for line in sys.stdin:
        length, *ids = json.loads(line)
        ids = torch.tensor([ids])
        with torch.no_grad():
            first, _ = write(model, ids, 1)
            seconds, text = write(model, ids, length)
        print(json.dumps([first, seconds, text]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
