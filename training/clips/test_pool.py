"""Clips of all sizes, lengths and rates share a batch without seeing each other's filling: ./run test_pool."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import configuration as c
from checkpoint import NETWORKS
from clips.clips import WORDINGS, Form, Shard, audio_counts, save_shard
from device import DEVICE
from trainers.examples import Example, Noised, aimed_at_clean, example, refinement
from networks.rope import video_positions
from networks.transformer import Stream
from clips.pool import Choice, Clips, Pool, pairs_of

FORMS = ((Form(1, 4, 5), 25.0), (Form(3, 2, 4), 8.0), (Form(2, 4, 3), 60.0), (Form(4, 2, 3), 24.0))


def stored(form: Form, fps: float) -> Shard:
    picture = torch.randn(2, form.frames, form.height, form.width, c.LATENT_CHANNELS).half()
    sound = torch.randn(2, int(audio_counts(form.frames, fps)), 16 * c.Z_CHANNELS).half()
    captions = [[f"clip {clip}" for _ in WORDINGS] for clip in range(2)]
    return Shard(picture, torch.randn_like(picture[:, 0]), sound, captions, fps)


def batch_and_shards() -> tuple[Clips, list[Shard]]:
    """The first clip of each form, the second and the last with their last frame as a picture of its own."""
    shards = [stored(*form) for form in FORMS]
    with tempfile.TemporaryDirectory() as folder:
        for index, shard in enumerate(shards):
            save_shard(shard, Path(folder) / f"{index}.safetensors")
        pool = Pool(Path(folder))
        pool.refresh()
    frames = np.array([form.frames for form, _ in FORMS])
    with_last = np.array([False, True, False, True])
    return pool.clips(Choice(2 * np.arange(len(FORMS)), frames, with_last), np.random.default_rng(1)), shards


def test_tokens_are_at_their_places_and_times() -> None:
    clips, shards = batch_and_shards()
    for row, ((form, fps), shard) in enumerate(zip(FORMS, shards)):
        positions = video_positions(form.frames, form.height, form.width, torch.tensor([fps]))
        assert torch.allclose(clips.positions[row, :, : form.tokens].cpu(), positions[0])
        assert torch.equal(clips.video.values[row, : form.tokens].cpu(), shard.video[0].flatten(0, 2).float())
    area = FORMS[1][0].height * FORMS[1][0].width
    last = slice(3 * area, 4 * area)
    assert clips.is_last[1].nonzero().flatten().tolist() == list(range(3 * area, 4 * area))
    assert torch.equal(clips.video.values[1, last].cpu(), shards[1].last[0].flatten(0, 1).float())
    # Three latents are 17 frames: the picture stands at the last of them, for one frame.
    assert torch.allclose(clips.positions[1, 0, 3 * area].cpu(), torch.tensor([16 / 8, 17 / 8]))
    assert clips.video.present.sum(1).tolist() == [20, 24 + 8, 24, 24 + 6]


def test_a_row_is_computed_as_if_it_were_alone() -> None:
    torch.manual_seed(5)
    clips, _ = batch_and_shards()
    shown = example(clips, torch.full((len(FORMS),), 0.725, device=DEVICE))
    transformer = NETWORKS["transformer"]().to(DEVICE).eval()
    context = torch.randn(len(FORMS), 8, c.TEXT_WIDTH, device=DEVICE)
    with torch.no_grad():
        together = transformer(_stream(shown.video, context), _stream(shown.audio, context))
        for row in range(len(FORMS)):
            counts = int(clips.video.present[row].sum()), int(clips.audio.present[row].sum())
            alone = Example(*(_cut(s, row, n) for s, n in zip((shown.video, shown.audio), counts)), shown.ids, shown.mask)
            made = transformer(*(_stream(stream, context[row : row + 1]) for stream in alone[:2]))
            for one, all_of_them, count in zip(made, together, counts):
                assert torch.allclose(one[0], all_of_them[row, :count], atol=1e-4), row


def test_only_what_is_noised_is_asked_for() -> None:
    clips, _ = batch_and_shards()
    shown = example(clips, torch.full((len(FORMS),), 0.725, device=DEVICE))
    for stream, of in ((shown.video, clips.video), (shown.audio, clips.audio)):
        kept = (stream.timesteps == 0).expand(of.present.shape)
        assert torch.equal(stream.tokens[kept], of.values[kept])
        assert not stream.weights[kept | ~of.present].any()
    assert not shown.video.weights[clips.is_last].any()
    exact = aimed_at_clean(shown.video)
    assert torch.allclose(exact.tokens - exact.timesteps[..., None] * (exact.noise - exact.clean), exact.clean, atol=1e-4)


def test_a_refinement_leads_from_what_was_enlarged_to_what_was_drawn() -> None:
    clips, _ = batch_and_shards()
    begun = torch.randn_like(clips.video.values)
    shown = refinement(clips, begun).video
    sigma = c.STAGE_2_SIGMAS[0]
    exact = shown.tokens - shown.timesteps[..., None] * (shown.noise - shown.clean)
    assert torch.allclose(exact, clips.video.values, atol=1e-4)
    free = clips.video.present & ~clips.is_first & ~clips.is_last
    assert torch.allclose(shown.timesteps.expand(free.shape)[free], torch.tensor(sigma, device=DEVICE))
    # What stays of the enlarged picture beside the noise: its share of the tokens, whatever was drawn.
    kept = (shown.tokens[free] * begun[free]).mean() / begun[free].square().mean()
    assert abs(kept - (1 - sigma)) < 0.05


def test_halves_are_those_of_the_same_clips() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for index, (form, fps) in enumerate(FORMS):
            whole = Form(form.frames, 2 * form.height, 2 * form.width)
            half = stored(form, fps).video
            save_shard(replace(stored(whole, fps), half=half), Path(folder) / f"{index}.safetensors")
        for (half, whole), _ in zip(pairs_of(Path(folder), 1), range(8)):
            assert np.array_equal(half.sizes * [1, 2, 2], whole.sizes)
            # A sound is as long as its clip, and the same in both.
            assert torch.equal(half.audio.values, whole.audio.values)
            assert not (half.is_last & half.video.present).any()


def _stream(noised: Noised, context: torch.Tensor) -> Stream:
    levels = noised.levels
    return Stream(noised.tokens, noised.sigmas, noised.positions, context, None, levels, noised.padding)


def _cut(noised: Noised, row: int, count: int) -> Noised:
    one = Noised(*(None if field is None else field[row : row + 1] for field in noised))
    return one._replace(
        tokens=one.tokens[:, :count], positions=one.positions[:, :, :count], padding=None,
        levels=None if one.levels is None else one.levels[:, :count],
    )


if __name__ == "__main__":
    test_tokens_are_at_their_places_and_times()
    test_a_row_is_computed_as_if_it_were_alone()
    test_only_what_is_noised_is_asked_for()
    test_a_refinement_leads_from_what_was_enlarged_to_what_was_drawn()
    test_halves_are_those_of_the_same_clips()
    print("batches are as they should be")
