import { signal } from '@preact/signals';
import type { Delivery, FileInput } from '../files/file-input.ts';

/** Types in the order of preference; what MediaRecorder has none of is left to the browser. */
const types = ['audio/webm;codecs=opus', 'audio/mp4', 'audio/ogg;codecs=opus'];

/** A recording under way. */
export class Recording implements FileInput {
  readonly delivery = signal<Delivery>({ state: 'absent', problem: 'Stop the recording first.' });
  /** `performance.now()` */
  readonly startedAt = performance.now();
  readonly #stream: MediaStream;
  readonly #recorder: MediaRecorder;
  readonly #context = new AudioContext();
  readonly #analyser = this.#context.createAnalyser();
  #isReleased = false;

  private constructor(stream: MediaStream, onDone: (source: Blob, name: string) => void) {
    const mimeType = types.find((type) => MediaRecorder.isTypeSupported(type));
    this.#stream = stream;
    this.#recorder = new MediaRecorder(stream, mimeType === undefined ? {} : { mimeType });
    this.#analyser.fftSize = 256;
    this.#context.createMediaStreamSource(stream).connect(this.#analyser);
    const parts: Blob[] = [];
    this.#recorder.addEventListener('dataavailable', ({ data }) => parts.push(data));
    this.#recorder.addEventListener('stop', () => {
      if (this.#isReleased) return;
      const type = this.#recorder.mimeType.split(';', 1)[0] ?? '';
      onDone(new Blob(parts, { type }), `recording.${type.split('/')[1] ?? 'webm'}`);
    });
    this.#recorder.start();
  }

  /**
   * Asks for the microphone and begins. `onDone` is given the recording when it ends, unless it was released before.
   *
   * @throws Error that says why there is no recording
   */
  static async begin(onDone: (source: Blob, name: string) => void): Promise<Recording> {
    if (navigator.mediaDevices === undefined) {
      throw new Error('The browser gives the microphone to https pages and localhost only: open this page that way.');
    }
    let stream: MediaStream | undefined;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      return new Recording(stream, onDone);
    } catch (cause) {
      for (const track of stream?.getTracks() ?? []) track.stop();
      throw new Error(refusalOf(cause), { cause });
    }
  }

  /** How loud it is now, 0…1. */
  get level(): number {
    const samples = new Uint8Array(this.#analyser.fftSize);
    this.#analyser.getByteTimeDomainData(samples);
    return Math.max(...samples.map((sample) => Math.abs(sample - 128))) / 128;
  }

  stop(): void {
    this.#recorder.stop();
  }

  async deliver(): Promise<void> {}

  release(): void {
    this.#isReleased = true;
    if (this.#recorder.state !== 'inactive') this.#recorder.stop();
    for (const track of this.#stream.getTracks()) track.stop();
    void this.#context.close();
  }
}

function refusalOf(error: unknown): string {
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError') {
    return 'The browser does not let this page use the microphone: allow it beside the address.';
  }
  if (name === 'NotFoundError') return 'There is no microphone here.';
  return `The microphone does not work: ${error instanceof Error ? error.message : error}`;
}
