import { tokenCount } from '../../ltx2/sampling/latent-tokens.ts';
import { tilesOf } from '../../ltx2/video/tiles/tiled-decoder.ts';
import type { Plan } from '../plan/plan.ts';
import type { Phase, Progress } from './engine-messages.ts';

/**
 * Turns steps into a fraction of the whole clip and seconds per phase. The share of each phase is estimated from token
 * counts, as if a step cost its tokens (attention grows faster, so large clips seem quick at first) and a decoded token
 * as much as three denoised ones (a refinement of three steps and the decode after it took equally long on the CPU).
 */
export class ProgressMeter {
  readonly #started = performance.now();
  readonly #shares: ReadonlyMap<Phase, number>;
  readonly #total: number;
  readonly #seconds = new Map<Phase, number>();
  #before = 0;
  #phase: Phase = 'load';
  #phaseStarted = this.#started;

  constructor(plan: Plan) {
    this.#shares = phaseShares(plan);
    this.#total = [...this.#shares.values()].reduce((sum, share) => sum + share, 0);
  }

  /** Ends the phase under way and begins `phase`. */
  begin(phase: Phase): Progress {
    this.#endPhase();
    this.#phase = phase;
    return this.step(0, 1);
  }

  step(step: number, steps: number): Progress {
    const within = ((this.#shares.get(this.#phase) ?? 0) * step) / steps;
    const fraction = Math.min(1, (this.#before + within) / this.#total);
    return { type: 'progress', phase: this.#phase, step, steps, fraction, seconds: this.seconds };
  }

  get seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  /** Ends the last phase; seconds of each. */
  finish(): Partial<Record<Phase, number>> {
    this.#endPhase();
    return Object.fromEntries(this.#seconds);
  }

  #endPhase(): void {
    const now = performance.now();
    this.#seconds.set(this.#phase, (this.#seconds.get(this.#phase) ?? 0) + (now - this.#phaseStarted) / 1000);
    this.#before += this.#shares.get(this.#phase) ?? 0;
    this.#phaseStarted = now;
  }
}

function phaseShares({ stages, tiling }: Plan): ReadonlyMap<Phase, number> {
  const [first, second] = stages;
  const last = stages.at(-1);
  if (first === undefined || last === undefined) throw new Error('a plan has a stage');
  const work = (stage: typeof first): number =>
    tokenCount(stage.latent) * (stage.sigmas.length - 1 - stage.reusedSteps.length);
  const shares = new Map<Phase, number>([['denoise', work(first)]]);
  if (second !== undefined) shares.set('refine', work(second)).set('upscale', tokenCount(first.latent));
  shares.set('decode', 3 * tokenCount(last.latent) * overlapFactor(last.latent, tiling));
  const sum = [...shares.values()].reduce((total, share) => total + share, 0);
  return shares
    .set('text', sum * 0.02)
    .set('audio', sum * 0.005)
    .set('images', sum * 0.01)
    .set('load', sum * 0.005);
}

/** Tokens decoded per token of the latent: tiles overlap. */
function overlapFactor(latent: Plan['stages'][number]['latent'], tiling: Plan['tiling']): number {
  const tiles = tilesOf({ shape: [1, 1, latent.frames, latent.height, latent.width] }, tiling);
  const covered = (axis: (typeof tiles)['time']): number => axis.reduce((sum, { start, end }) => sum + end - start, 0);
  return (covered(tiles.time) * covered(tiles.height) * covered(tiles.width)) / tokenCount(latent);
}
