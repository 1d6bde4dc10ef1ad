import { z } from 'zod';
import { networkGraph } from '../../graph/network.ts';
import { floatTensor, type HostTensor, integerTensor } from '../../graph/runtime/host-tensor.ts';
import { floats, runOnce, Session } from '../../graph/runtime/session.ts';
import { openCheckpoint } from '../../graph/weights/checkpoint.ts';
import { conditionOnAudio, encodeMel } from '../../ltx2/audio/audio-conditioning.ts';
import { audioDecoder } from '../../ltx2/audio/audio-decoder.ts';
import { audioEncoder } from '../../ltx2/audio/audio-encoder.ts';
import { audioLatentCount, audioVaeConfigOf } from '../../ltx2/audio/audio-latents.ts';
import { logMel } from '../../ltx2/audio/features/log-mel.ts';
import { resampler } from '../../ltx2/audio/features/resample.ts';
import { vocoder, vocoderConfigOf } from '../../ltx2/audio/vocoder.ts';
import { audioPositions } from '../../ltx2/sampling/positions.ts';
import type { Evaluators, ParityCase } from './parity-case.ts';

const bundleFile = 'ltx-2-tiny.safetensors';

/** Sound in and out: resampling, mel spectrogram, audio autoencoder, vocoder, positions. */
export const audioEvaluators: Evaluators = {
  audio_positions: async (parityCase) => {
    const { latent_frames } = parityCase.params(z.object({ latent_frames: z.number() }));
    const { tokens, bounds } = audioPositions(latent_frames);
    return { positions: floatTensor(bounds, [1, 1, tokens, 2]) };
  },

  audio_latent_length: async (parityCase) => {
    const frames = await parityCase.integers('frames');
    const fps = await parityCase.floats('fps');
    const counts = Array.from(fps.data, (rate, index) => audioLatentCount(Number(frames.data[index]), rate));
    return { count: integerTensor(counts) };
  },

  resample: async (parityCase) => {
    const { from_rate, to_rate } = parityCase.params(z.object({ from_rate: z.number(), to_rate: z.number() }));
    const resample = resampler(from_rate, to_rate);
    const [left, right] = stereo(await parityCase.floats('waveform'));
    const resampled = [resample(left), resample(right)] as const;
    return { resampled: floatTensor(Float32Array.of(...resampled[0], ...resampled[1]), [1, 2, resampled[0].length]) };
  },

  log_mel: async (parityCase) => {
    const { config } = await openAudioVae(parityCase);
    const [left, right] = stereo(await parityCase.floats('waveform'));
    return { mel: logMel(left, right, config) };
  },

  audio_vae_encode: async (parityCase) => {
    await using encoder = await openEncoder(parityCase);
    return { latent: await encodeMel(encoder, await parityCase.floats('mel')) };
  },

  audio_vae_decode: async (parityCase) => {
    const { checkpoint, config } = await openAudioVae(parityCase);
    const model = networkGraph(audioDecoder, parityCase.target, checkpoint, config);
    return { mel: floats(await runOnce(model, { latent: await parityCase.floats('latent') }), 'mel') };
  },

  vocoder: async (parityCase) => {
    const checkpoint = await openCheckpoint(parityCase.file(bundleFile));
    const model = networkGraph(vocoder, parityCase.target, checkpoint, vocoderConfigOf(checkpoint));
    return { waveform: floats(await runOnce(model, { mel: await parityCase.floats('mel') }), 'waveform') };
  },

  audio_condition: async (parityCase) => {
    const schema = z.object({ sample_rate: z.number(), frames: z.number(), fps: z.number() });
    const { sample_rate, frames, fps } = parityCase.params(schema);
    const { config } = await openAudioVae(parityCase);
    const waveform = await parityCase.floats('waveform');
    await using encoder = await openEncoder(parityCase);
    const sound = { sampleRate: sample_rate, waveform: waveform.data };
    const { latent, tokens } = await conditionOnAudio(encoder, config, sound, { frames, fps });
    return { latent, tokens };
  },
};

async function openAudioVae(parityCase: ParityCase) {
  const checkpoint = await openCheckpoint(parityCase.file(bundleFile));
  const config = audioVaeConfigOf(checkpoint);
  return { checkpoint, config };
}

async function openEncoder(parityCase: ParityCase): Promise<Session> {
  const { checkpoint, config } = await openAudioVae(parityCase);
  return await Session.open(networkGraph(audioEncoder, parityCase.target, checkpoint, config));
}

/** The channels of `[1, 2, n]`. */
function stereo({ data }: HostTensor<'float32'>): [Float32Array, Float32Array] {
  return [data.subarray(0, data.length / 2), data.subarray(data.length / 2)];
}
