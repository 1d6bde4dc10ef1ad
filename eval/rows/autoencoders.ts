import { floatTensor } from '../../src/graph/runtime/host-tensor.ts';
import { floats } from '../../src/graph/runtime/session.ts';
import { conditionOnAudio } from '../../src/ltx2/audio/audio-conditioning.ts';
import { decodeAudio } from '../../src/ltx2/audio/audio-decoding.ts';
import { logMel } from '../../src/ltx2/audio/features/log-mel.ts';
import { resampler } from '../../src/ltx2/audio/features/resample.ts';
import { decodeFrames } from '../../src/ltx2/video/tiles/tiled-decoder.ts';
import { channelsOf } from '../../src/media/sound/waveform.ts';
import { LoadedModel } from '../../src/pipeline/engine/loaded-model.ts';
import { elementAt } from '../../src/shared/element-at.ts';
import { type Footage, frameOf, type Picture } from '../footage.ts';
import { loudnessPerFrame, soundRate, toLevel } from '../measures/motion/loudness.ts';
import { mean } from '../measures/motion/series.ts';
import { clipPsnr } from '../measures/picture-difference.ts';
import { atLeast, atMost, inDecibels, inHundredths, type Row, type RowContext, type RowResult } from '../row.ts';
import { SeededRandom } from '../seeded-random.ts';
import { drawClip } from '../world/draw.ts';
import { randomScene } from '../world/scene.ts';

/** In decibels, and in nepers. */
const aims = { picture: 30, logMel: 0.45 } as const;
const form = { frames: 17, fps: 12 } as const;
const size = { width: 256, height: 192 } as const;

export const videoAutoencoderRow: Row = {
  name: 'video-autoencoder',
  about: 'a clip that no training saw, encoded and decoded',
  async run(context: RowContext): Promise<RowResult> {
    await using model = await openModel(context);
    await using encoder = await model.imageEncoder();
    await using decoder = await model.videoDecoder();
    const clips = context.count(12);
    const found: number[] = [];
    const sheet: Picture[][] = [];
    for (let index = 0; index < clips; index++) {
      context.step(`clip ${index + 1} of ${clips}`);
      const drawn = await drawnClip(index, context);
      const latent = floats(await encoder.run({ video: videoTensor(drawn) }), 'latent');
      const decoded: Picture[] = [];
      for await (const chunk of decodeFrames(decoder, latent)) decoded.push(...picturesIn(chunk));
      found.push(clipPsnr(drawn.frames, decoded));
      if (index < 6) sheet.push([frameOf(drawn, 8), ...decoded.slice(8, 9)]);
    }
    return {
      findings: [
        atLeast(`picture after encoding and decoding, mean of ${clips} clips`, mean(found), aims.picture, inDecibels),
      ],
      sheet,
    };
  },
};

export const soundAutoencoderRow: Row = {
  name: 'sound-autoencoder',
  about: 'a sound encoded, decoded and voiced again',
  async run(context: RowContext): Promise<RowResult> {
    await using model = await openModel(context);
    await using encoder = await model.audioEncoder();
    await using decoder = await model.audioDecoder();
    await using vocoder = await model.vocoder();
    const sounds = context.count(10);
    const [decoding, voicing]: [number[], number[]] = [[], []];
    for (let index = 0; index < sounds; index++) {
      context.step(`sound ${index + 1} of ${sounds}`);
      const clip = { frames: 73, fps: 24 };
      const { samples } = await context.sounds.sound(700 + index, clip);
      const leveled = toLevel(samples);
      const waveform = new Float32Array(2 * leveled.length);
      waveform.set(leveled);
      waveform.set(leveled, leveled.length);
      const { latent } = await conditionOnAudio(encoder, model.audioConfig, { sampleRate: soundRate, waveform }, clip);
      const heard = await decodeAudio(decoder, vocoder, model.vocoderConfig, latent);
      const voice = resampler(heard.sampleRate, soundRate)(elementAt(channelsOf(heard.waveform, 2), 0));
      const length = Math.min(voice.length, leveled.length);
      const mel = (sound: Float32Array): Float32Array =>
        logMel(sound.subarray(0, length), sound.subarray(0, length), model.audioConfig).data;
      decoding.push(meanDifference(heard.mel.data, mel(leveled)));
      voicing.push(meanDifference(mel(voice), mel(leveled)));
    }
    return {
      findings: [
        {
          what: `log-mel error of the decoder in nepers, mean of ${sounds} sounds`,
          measured: inHundredths(mean(decoding)),
          aim: '',
          met: undefined,
        },
        atMost('log-mel error of decoder and vocoder', mean(voicing), aims.logMel, inHundredths),
      ],
    };
  },
};

function openModel({ studio: { weights, device } }: RowContext): Promise<LoadedModel> {
  return LoadedModel.open({ weights, device });
}

async function drawnClip(index: number, { sounds }: RowContext): Promise<Footage> {
  const random = new SeededRandom(12_000 + index);
  const scene = randomScene(random.pick(['speaker', 'speaker', 'shapes', 'sea', 'skyline']), random);
  const { samples } = await sounds.sound(600 + index, form);
  return drawClip(scene, loudnessPerFrame(samples, form.frames, form.fps), { fps: form.fps, size });
}

/** `[1, 3, frames, height, width]` in −1…1. */
function videoTensor({ frames }: Footage) {
  const plane = size.width * size.height;
  const data = new Float32Array(3 * frames.length * plane);
  for (const [time, { rgb }] of frames.entries()) {
    for (const [at, value] of rgb.entries()) {
      data[((at % 3) * frames.length + time) * plane + Math.floor(at / 3)] = value / 127.5 - 1;
    }
  }
  return floatTensor(data, [1, 3, frames.length, size.height, size.width]);
}

function picturesIn(chunk: Uint8Array): Picture[] {
  const bytes = size.width * size.height * 3;
  return Array.from({ length: chunk.length / bytes }, (_, at) => ({
    ...size,
    rgb: chunk.slice(at * bytes, (at + 1) * bytes),
  }));
}

/** Of `[1, 2, frames, bands]` each, over the first channel and the frames both have. */
function meanDifference(a: Float32Array, b: Float32Array): number {
  const length = Math.min(a.length, b.length) / 2;
  let sum = 0;
  for (let at = 0; at < length; at++) sum += Math.abs(elementAt(a, at) - elementAt(b, at));
  return sum / length;
}
