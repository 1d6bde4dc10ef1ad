import { AV_NOPTS_VALUE } from 'node-av/constants';
import type { Frame, Stream } from 'node-av/lib';
import { cancelled } from '../../../../shared/cancellation.ts';
import { SoundstageError } from '../../../../shared/errors.ts';
import { channelMask, readSamples } from '../../sample-format.ts';
import { SoundInput } from './sound-input.ts';
import { requireWhole } from './stated-duration.ts';

export interface AudioDecodeRequest {
  readonly path: string;
  readonly field: string;
  /** Seconds to pass over at the beginning. */
  readonly start: number;
  /** Seconds to decode at most. */
  readonly maxSeconds: number;
}

export interface AudioFormat {
  readonly sampleRate: number;
  readonly channels: number;
  /** WAVE channel mask: bit 0 front left, bit 1 front right, bit 2 front center… */
  readonly channelMask: number;
}

/** Samples of a block, over all channels. A header may claim any rate, and hundreds of channels. */
const maxBlockSamples = 2 ** 20;

export interface AudioDecodeResult extends AudioFormat {
  /** The recording goes on after the window. */
  readonly isCut: boolean;
}

/**
 * Decodes a window of the sound at its own rate, and hands it over in blocks of up to a second, each
 * `[channels, samples]`.
 */
export async function decodeAudio(
  { path, field, start, maxSeconds }: AudioDecodeRequest,
  emit: (block: Float32Array, format: AudioFormat) => Promise<void>,
  signal: AbortSignal,
): Promise<AudioDecodeResult> {
  await using sound = await SoundInput.open(path, field);
  let window: BlockCollector | undefined;
  let reached = 0;
  for await (const frame of sound.frames()) {
    if (signal.aborted) throw cancelled();
    window ??= new BlockCollector(frame, start, maxSeconds);
    reached = Math.max(reached, endOf(frame, sound.stream));
    for (const block of window.add(frame)) await emit(block, window.format);
    if (window.complete) break;
  }
  if (window !== undefined && !window.complete) {
    await requireWhole(sound, { path, field }, window.seconds, reached);
  }
  const rest = window?.rest();
  if (window !== undefined && rest !== undefined) await emit(rest, window.format);
  if (window === undefined || window.taken === 0) throw beyondEnd(field, start);
  if (window.invalid > (window.taken * window.format.channels) / 2) throw mostlyInvalid(field);
  return { ...window.format, isCut: window.complete };
}

/** Cuts a run of frames to a window and gathers it in blocks. */
class BlockCollector {
  readonly format: AudioFormat;
  taken = 0;
  /** Samples that were no numbers that sound can have, over all channels. */
  invalid = 0;
  readonly #blockSamples: number;
  readonly #skip: number;
  readonly #limit: number;
  #position = 0;
  #block: Float32Array[];
  #filled = 0;

  constructor(first: Frame, start: number, maxSeconds: number) {
    this.format = {
      sampleRate: first.sampleRate,
      channels: first.channels,
      channelMask: channelMask(first),
    };
    this.#blockSamples = Math.max(1, Math.min(first.sampleRate, Math.floor(maxBlockSamples / first.channels)));
    this.#skip = Math.round(start * first.sampleRate);
    this.#limit = Math.round(maxSeconds * first.sampleRate);
    this.#block = this.#newBlock();
  }

  /** Seconds decoded so far, those passed over included. */
  get seconds(): number {
    return this.#position / this.format.sampleRate;
  }

  get complete(): boolean {
    return this.taken >= this.#limit;
  }

  *add(frame: Frame): Generator<Float32Array, void, undefined> {
    let from = Math.min(Math.max(this.#skip - this.#position, 0), frame.nbSamples);
    const end = Math.min(frame.nbSamples, from + this.#limit - this.taken);
    this.#position += frame.nbSamples;
    while (from < end) {
      const to = Math.min(end, from + this.#blockSamples - this.#filled);
      this.invalid += readSamples(frame, from, to, this.#block, this.#filled);
      this.#filled += to - from;
      this.taken += to - from;
      from = to;
      if (this.#filled === this.#blockSamples) yield this.#take();
    }
  }

  rest(): Float32Array | undefined {
    return this.#filled === 0 ? undefined : this.#take();
  }

  #take(): Float32Array {
    const block = new Float32Array(this.format.channels * this.#filled);
    for (const [channel, samples] of this.#block.entries()) {
      block.set(samples.subarray(0, this.#filled), channel * this.#filled);
    }
    this.#filled = 0;
    return block;
  }

  #newBlock(): Float32Array[] {
    return Array.from({ length: this.format.channels }, () => new Float32Array(this.#blockSamples));
  }
}

/** Seconds at which a frame is over, by the file's own clock: it runs on where nothing was recorded. */
function endOf({ pts, nbSamples, sampleRate }: Frame, { timeBase }: Stream): number {
  return pts === AV_NOPTS_VALUE ? 0 : (Number(pts) * timeBase.num) / timeBase.den + nbSamples / sampleRate;
}

function beyondEnd(field: string, start: number): SoundstageError {
  const message = `The ${field} track is shorter than the start time of ${start} s: choose an earlier start.`;
  return new SoundstageError('input', message, { field });
}

function mostlyInvalid(field: string): SoundstageError {
  const message =
    `The ${field} track holds hardly any sound: most of its samples are infinite, not a number, or beyond all measure, ` +
    'so export the recording again.';
  return new SoundstageError('input', message, { field });
}
