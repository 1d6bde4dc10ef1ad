import type { AudioSource } from '../../../video-settings.ts';
import { SoundInput } from '../../decode/sound/sound-input.ts';
import { soundFileFrames } from '../../float-frames.ts';
import type { Muxer } from '../muxer.ts';
import type { MovieType } from '../video-codec.ts';
import { audioCodec } from './audio-codec.ts';
import { CopiedAudio, canCopy } from './audio-copy.ts';
import { EncodedAudio } from './audio-encode.ts';
import type { AudioTrack } from './audio-track.ts';
import { stereoFrames } from './stereo-frames.ts';

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
