"""How well unseen sounds come through the audio autoencoder and the vocoder: ./run measure_sound

Mel errors are means of absolute differences of logarithms. The steepest step from sample to sample, relative to the
original's, would tell of clicks. The envelope of silence, which is noise, is left out of the mean.
"""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from checkpoint import load_network
from networks.audio_vae import AudioVae
from networks.mel import log_mel
from clips.sound_clips import NOISE_FLOOR
from trainers.train_vocoder import MEL_WINDOW, log_mel_of, spectrum, to_24_khz
from world.recordings import KINDS, Recordings, speech_pool
from world.sound import RATE, analyze, synthesize, to_level
from world.speech import speak

SECONDS, PER_KIND = 3.2, 6
LATENTS_PER_SECOND = 25
DECIBELS_PER_NAT = 8.686


def unseen(seed: int = 4711) -> Iterator[tuple[str, np.ndarray]]:
    """Kind and sound [n] at 16 kHz, for whole latents."""
    random = np.random.default_rng(seed)
    length = int(SECONDS * RATE)
    for kind in ("speech", *KINDS):
        for _ in range(PER_KIND):
            sound = speak(random) if kind == "speech" else synthesize(kind, SECONDS, random)
            sound = to_level(np.pad(sound, (0, max(0, length - len(sound))))[:length], -25.0)
            yield kind, sound + NOISE_FLOOR * random.standard_normal(length)


def envelope(waveform: Tensor) -> Tensor:
    """[n] at 24 kHz → root mean square over 20 ms, every 10 ms."""
    return F.avg_pool1d(waveform.square()[None], 480, 240)[0].sqrt()


def correlation(a: Tensor, b: Tensor) -> float:
    return torch.corrcoef(torch.stack([envelope(a), envelope(b)]))[0, 1].item()


def neighbors(tokens: Tensor) -> Tensor:
    """[T, d] → [T, 3 d]: each latent between the one before and the one after."""
    return F.pad(tokens, (0, 0, 1, 1)).unfold(0, 3, 1).flatten(1)


def read_features(autoencoder: AudioVae, unseen_tokens: list[Tensor], unseen_features: list[Tensor]) -> list[float]:
    """Share of the variance of each feature that a small network, taught on other sounds, reads from three latents."""
    random = np.random.default_rng(5)
    recordings = Recordings(speech_pool())
    inputs, wanted = [], []
    for _ in range(120):
        sound = recordings.any(SECONDS, random) * 0.8
        sound = sound + NOISE_FLOOR * random.standard_normal(len(sound))
        tokens = autoencoder.encode(log_mel(torch.from_numpy(sound).float()).expand(1, 2, -1, -1))[0]
        inputs.append(neighbors(tokens))
        wanted.append(features_of(sound, len(tokens)))
    known, told = torch.cat(inputs), torch.cat(wanted)
    torch.manual_seed(0)
    reader = nn.Sequential(nn.Linear(known.shape[1], 64), nn.SiLU(), nn.Linear(64, told.shape[1]))
    optimizer = torch.optim.AdamW(reader.parameters(), 3e-3, weight_decay=0.1)
    for _ in range(1200):
        chosen = torch.randint(len(known), (256,))
        (reader(known[chosen]) - told[chosen]).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    true = torch.cat(unseen_features)
    with torch.no_grad():
        read = reader(torch.cat([neighbors(tokens) for tokens in unseen_tokens]))
    return (1 - (read - true).square().mean(0) / true.var(0)).tolist()


def features_of(sound: np.ndarray, latents: int) -> Tensor:
    """[T, 2]: loudness and brightness at the times of the latents."""
    found = analyze(sound, latents, LATENTS_PER_SECOND)
    return torch.stack([found.loudness, found.brightness], 1)


def main() -> None:
    torch.set_num_threads(1)
    autoencoder, vocoder = load_network("audio_vae"), load_network("vocoder")
    rows: dict[str, list[list[float]]] = {}
    tokens, features = [], []
    for kind, sound in unseen():
        waveform = torch.from_numpy(sound).float()
        mel = log_mel(waveform).expand(1, 2, -1, -1)
        tokens.append(autoencoder.encode(mel)[0])
        features.append(features_of(sound, len(tokens[-1])))
        coded = autoencoder.decode(tokens[-1][None])
        original = to_24_khz(waveform)
        straight, through = (vocoder(given)[0, 0, : len(original)] for given in (mel, coded))
        again = log_mel_of(spectrum(straight[None, None], *MEL_WINDOW))[0]
        rows.setdefault(kind, []).append([
            (coded - mel).abs().mean().item(),
            (again - mel[0, 0, : len(again)]).abs().mean().item(),
            correlation(original, straight),
            correlation(original, through),
            (through.diff().abs().max() / original.diff().abs().max()).item(),
        ])
    print("kind      autoencoder: mel error   vocoder: mel error   its envelope   both: envelope   steepest step")
    for values in rows["silence"]:
        values[2:4] = [np.nan, np.nan]
    for kind, values in [*rows.items(), ("all", sum(rows.values(), []))]:
        coded, again, steepest = np.mean(values, 0)[[0, 1, 4]]
        straight, through = (np.nan, np.nan) if kind == "silence" else np.nanmean(values, 0)[2:4]
        decibels = [f"{nats:.3f} nats {nats * DECIBELS_PER_NAT:4.1f} dB" for nats in (coded, again)]
        print(f"{kind:8}  {decibels[0]:>22}   {decibels[1]:>18}   {straight:12.3f}   {through:14.3f}   {steepest:13.2f}")
    shares = read_features(autoencoder, tokens, features)
    for name, share in zip(("loudness", "brightness"), shares):
        print(f"{name}: a small network reads {100 * share:.0f} % of it from three latents")


if __name__ == "__main__":
    main()
