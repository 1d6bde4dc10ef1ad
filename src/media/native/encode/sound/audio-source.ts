import type { Frame } from 'node-av/lib';
import { toStereo } from '../../../sound/stereo.ts';
import { channelsOf } from '../../../sound/waveform.ts';
import type { AudioSource } from '../../../video-settings.ts';
import { SoundInput } from '../../decode/sound/sound-input.ts';
import { soundFileFrames, waveformFrames, withinFullScale } from '../../float-frames.ts';
import { channelMask, readSamples } from '../../sample-format.ts';
import type { Muxer } from '../muxer.ts';
import type { MovieType } from '../video-codec.ts';
import { audioCodec } from './audio-codec.ts';
import { CopiedAudio, canCopy } from './audio-copy.ts';
import { EncodedAudio } from './audio-encode.ts';
import type { AudioTrack } from './audio-track.ts';

/** Adds the stream of a sound source to `muxer`: a copy where that plays everywhere, else an encode. */
export async function openAudioTrack(audio: AudioSource, type: MovieType, muxer: Muxer): Promise<AudioTrack> {
  if (audio.source === 'pcm') {
    const { sampleRate, channels } = audio;
    const codec = audioCodec(type, { sampleRate, channels, bits: 16 });
    return EncodedAudio.open(soundFileFrames(audio), codec, { start: 0, duration: undefined }, muxer);
  }
  const { start = 0, duration } = audio;
  await using resources = new AsyncDisposableStack();
  const sound = resources.use(await SoundInput.open(audio.path, 'audio'));
  if (start === 0 && canCopy(sound, type)) {
    resources.move();
    return new CopiedAudio(sound, duration ?? Number.POSITIVE_INFINITY, muxer);
  }
  const { sampleRate, channels, bitsPerRawSample, bitsPerCodedSample } = sound.stream.codecpar;
  const bits = Math.max(bitsPerRawSample, bitsPerCodedSample) > 16 ? 24 : 16;
  const codec = audioCodec(type, { sampleRate, channels, bits });
  const frames = stereoFrames(sound.frames());
  const track = await EncodedAudio.open(frames, codec, { start, duration }, muxer, resources.move());
  await using opened = new AsyncDisposableStack();
  opened.use(track);
  await track.prepare();
  opened.move();
  return track;
}

/** Decoded frames as floats within full scale, of one or two channels, more of them mixed down as the model hears them. */
async function* stereoFrames(source: AsyncGenerator<Frame, void, undefined>): AsyncGenerator<Frame, void, undefined> {
  for await (const frame of source) {
    const { sampleRate, channels, nbSamples } = frame;
    const decoded = new Float32Array(channels * nbSamples);
    readSamples(frame, 0, nbSamples, channelsOf(decoded, channels), 0);
    const waveform = withinFullScale(channels === 1 ? decoded : toStereo(decoded, channels, channelMask(frame)));
    yield* waveformFrames({ waveform, sampleRate, channels: channels === 1 ? 1 : 2 });
  }
}
