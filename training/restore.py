"""Takes the weights apart again, so that trainings can go on from those in models/nano: ./run restore.

What each network was trained with (`runs/NAME.state.pt`) is not in them; a training begins anew from these weights.
"""

from safetensors.torch import load_file

from checkpoint import BUNDLE, NANO, NETWORKS, PREFIXES, UPSCALER, bundle_key, save_network, weights_file


def main() -> None:
    bundle = load_file(NANO / BUNDLE)
    text = load_file(NANO / "gemma/model.safetensors")
    sources = {
        **{name: {key: bundle_key(name, key) for key in NETWORKS[name]().state_dict()} for name in (*PREFIXES, "connectors")},
        "gemma": {key: f"language_model.model.{key}" for key in NETWORKS["gemma"]().state_dict()},
        "upsampler": {key: key for key in NETWORKS["upsampler"]().state_dict()},
    }
    files = {"gemma": text, "upsampler": load_file(NANO / UPSCALER)}
    for name, keys in sources.items():
        if weights_file(name).exists():
            print(f"{name}: kept, since there is a newer one in {weights_file(name)}")
            continue
        network = NETWORKS[name]()
        network.load_state_dict({key: files.get(name, bundle)[stored].float() for key, stored in keys.items()})
        save_network(name, network)
        print(f"{name}: restored")


if __name__ == "__main__":
    main()
