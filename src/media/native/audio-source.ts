import type { AudioSource } from '../video-settings.ts';
import { audioCodec } from './audio-codec.ts';
import { CopiedAudio, canCopy } from './audio-copy.ts';
import { EncodedAudio } from './audio-encode.ts';
import { decodeAudioFrames } from './audio-frames.ts';
import type { AudioTrack } from './audio-track.ts';
import { MediaInput } from './media-input.ts';
import type { Muxer } from './muxer.ts';
import { pcmFrames } from './pcm-frames.ts';
import type { MovieType } from './video-codec.ts';

/** Adds the stream of a sound source to `muxer`: a copy where the container allows it, else an encode. */
export async function openAudioTrack(audio: AudioSource, type: MovieType, muxer: Muxer): Promise<AudioTrack> {
  if (audio.source === 'pcm') {
    const { sampleRate, channels } = audio;
    const codec = audioCodec(type, { sampleRate, channels, bits: 16 });
    return EncodedAudio.open(pcmFrames(audio), codec, { start: 0, duration: undefined }, muxer);
  }
  const { start = 0, duration } = audio;
  await using resources = new AsyncDisposableStack();
  const input = resources.use(await MediaInput.open(audio.path, 'audio'));
  const stream = input.audioStream('audio');
  if (start === 0 && canCopy(stream, type)) {
    resources.move();
    return new CopiedAudio(input, stream, duration ?? Number.POSITIVE_INFINITY, muxer);
  }
  const { sampleRate, channels, bitsPerRawSample, bitsPerCodedSample } = stream.codecpar;
  const bits = Math.max(bitsPerRawSample, bitsPerCodedSample) > 16 ? 24 : 16;
  const codec = audioCodec(type, { sampleRate, channels, bits });
  const frames = decodeAudioFrames(input, stream, 'audio');
  const owned = resources.move();
  return EncodedAudio.open(frames, codec, { start, duration }, muxer, owned);
}
