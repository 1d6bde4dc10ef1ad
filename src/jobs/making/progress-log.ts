import type { Phase, Progress } from '../../pipeline/engine/engine-messages.ts';
import type { ClipMakerContext } from '../clip-maker.ts';

const names: Readonly<Record<Phase, string>> = Object.freeze({
  load: 'loading the model',
  text: 'reading the prompt',
  audio: 'listening to the recording',
  images: 'preparing the frames',
  denoise: 'denoising',
  upscale: 'upscaling',
  refine: 'refining',
  decode: 'decoding',
});

/** Phases whose steps are worth a line each. */
const counted: ReadonlySet<Phase> = new Set(['denoise', 'refine', 'decode']);

/** Turns the engine's progress into log lines such as `denoising 3/8`. */
export class ProgressLog {
  readonly #log: ClipMakerContext['log'];
  readonly #written = new Set<string>();

  constructor(log: ClipMakerContext['log']) {
    this.#log = log;
  }

  update({ phase, step, steps, fraction }: Progress): void {
    if (!counted.has(phase)) this.#write(names[phase]);
    else if (step > 0) this.#write(`${names[phase]} ${step}/${steps}`);
    // Frames are encoded as they come; the rest of it is all that is left.
    if (fraction > 0.9999) this.#write('encoding');
  }

  #write(message: string): void {
    if (!this.#written.has(message)) this.#log('INFO', message);
    this.#written.add(message);
  }
}
