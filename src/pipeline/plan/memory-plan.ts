import { arenaBytes, type GraphMemory } from '../../graph/memory/graph-memory.ts';
import { divideParts, type Residency } from '../../graph/memory/residency.ts';

/** Phases of a clip that run other networks than the transformer. */
export const sidePhases = ['text', 'audio', 'images', 'upscale', 'decode'] as const;

export type SidePhase = (typeof sidePhases)[number];

/** What the networks of a clip take of the device's memory. */
export interface ClipMemory {
  readonly transformer: GraphMemory;
  /** The part of the transformer that steps with reused residuals run, beside the whole; absent where no step does. */
  readonly replay?: GraphMemory | undefined;
  /** The largest network of each phase; absent where there is none. */
  readonly side: Readonly<Record<SidePhase, GraphMemory | undefined>>;
}

/** How the networks of a clip share the device's memory. Peaks are in bytes. */
export interface MemoryPlan {
  /** Undefined: all weights stay in the device's memory. */
  readonly transformer: Residency | undefined;
  readonly text: Residency | undefined;
  /** What the transformer keeps between runs. */
  readonly heldBytes: number;
  /** Phases that need the room that the transformer takes. */
  readonly evictsTransformer: readonly SidePhase[];
  /** Of every phase, `denoise` being that of the transformer; empty where weights are mapped. */
  readonly peaks: Readonly<Partial<Record<SidePhase | 'denoise', number>>>;
}

export type MemoryVerdict =
  | { readonly fits: true; readonly plan: MemoryPlan }
  /** `needed`: bytes of device memory with which it would. */
  | { readonly fits: false; readonly needed: number };

/** Bytes that a process takes for CUDA, cuBLAS and cuDNN themselves. A guess: no GPU was at hand to measure it. */
export const reservedMemory = 0.8e9;

/** Weights brought in at a time: larger pieces leave less room for those that stay, smaller ones hand on tensors more often. */
const streamedBytes = 1.6e9;

/**
 * Decides which weights stay in the device's memory. What fits stays; else as many blocks as fit, and the others come and go in
 * turn.
 *
 * @param available bytes of the device's memory that may be used
 */
export function planMemory({ transformer, replay, side }: ClipMemory, available: number): MemoryVerdict {
  const limit = available - reservedMemory;
  const whole = wholeBytes(transformer) + (replay === undefined ? 0 : wholeBytes(replay));
  const streamed = whole <= limit ? undefined : streamedTransformer(transformer, limit);
  const held = streamed === undefined ? whole : streamed.held;
  const text = side.text === undefined || wholeBytes(side.text) <= limit ? undefined : streamedOnly(side.text, limit);

  const evictsTransformer: SidePhase[] = [];
  const peaks: Partial<Record<SidePhase | 'denoise', number>> = { denoise: streamed?.peak ?? whole };
  for (const phase of sidePhases) {
    const memory = side[phase];
    if (memory === undefined) continue;
    const own = phase === 'text' && text !== undefined ? text.peak : wholeBytes(memory);
    const stays = held + own <= limit;
    if (!stays) evictsTransformer.push(phase);
    peaks[phase] = own + (stays ? held : 0);
  }
  if (Math.max(...Object.values(peaks)) > limit) {
    const needs = [transformer, ...Object.values(side)].flatMap((memory) => (memory ? [leastBytes(memory)] : []));
    return { fits: false, needed: Math.max(...needs) + reservedMemory };
  }
  return {
    fits: true,
    plan: { transformer: streamed?.residency, text: text?.residency, heldBytes: held, evictsTransformer, peaks },
  };
}

/**
 * The same where weights are mapped into memory that the system takes back as it likes: nothing is refused, but what is larger
 * than the memory as a whole comes and goes, so that its files are read ahead in large pieces and not page by page.
 *
 * @param available bytes of the machine's memory
 */
export function planMappedMemory({ transformer, side }: ClipMemory, available: number): MemoryPlan {
  const residency = (memory: GraphMemory | undefined): Residency | undefined =>
    memory === undefined || sum(memory.weights) + memory.run(0, memory.weights.length).peak <= available
      ? undefined
      : { keptBytes: 0, streamedBytes: Math.max(available / 8, ...memory.weights) };
  return {
    transformer: residency(transformer),
    text: residency(side.text),
    heldBytes: 0,
    evictsTransformer: [],
    peaks: {},
  };
}

/** Where a network goes that runs as a whole: beside the transformer, in its place, or nowhere. */
export function placeBeside(
  memory: GraphMemory,
  { heldBytes }: MemoryPlan,
  available: number,
): 'beside' | 'alone' | 'nowhere' {
  const limit = available - reservedMemory;
  const own = wholeBytes(memory);
  return own > limit ? 'nowhere' : own + heldBytes > limit ? 'alone' : 'beside';
}

/** All of a network at a time. */
function wholeBytes(memory: GraphMemory): number {
  return pieceBytes(memory, 0, memory.weights.length);
}

/** As little of a network at a time as can be. */
function leastBytes(memory: GraphMemory): number {
  const largest = Math.max(...memory.weights.map((_, part) => pieceBytes(memory, part, part + 1)));
  return Math.min(wholeBytes(memory), largest);
}

function pieceBytes({ weights, run }: GraphMemory, from: number, to: number): number {
  return sum(weights.slice(from, to)) + arenaBytes(run(from, to));
}

interface Streamed {
  readonly residency: Residency;
  /** Bytes that stay taken after a run. */
  readonly held: number;
  readonly peak: number;
}

/** As much stays as leaves room for the pieces that come and go; the text encoder, which runs once or twice a clip, has none that stays. */
function streamedTransformer(memory: GraphMemory, limit: number): Streamed {
  const piece = Math.max(streamedBytes, ...memory.weights);
  for (let keptBytes = limit - piece; keptBytes > 0; ) {
    const streamed = pieces(memory, { keptBytes, streamedBytes: piece });
    if (streamed.held > 0 && streamed.peak <= limit) return streamed;
    keptBytes -= Math.max(streamed.peak - limit, ...memory.weights);
  }
  return streamedOnly(memory, limit);
}

function streamedOnly(memory: GraphMemory, limit: number): Streamed {
  const largest = Math.max(...memory.weights);
  for (let bytes = limit; ; ) {
    const streamed = pieces(memory, { keptBytes: 0, streamedBytes: Math.max(bytes, largest) });
    if (streamed.peak <= limit || bytes < largest) return streamed;
    bytes -= streamed.peak - limit;
  }
}

function pieces(memory: GraphMemory, residency: Residency): Streamed {
  const { kept, streamed } = divideParts(memory.weights, residency);
  const held = kept === 0 ? 0 : pieceBytes(memory, 0, kept);
  let from = kept;
  const bytes = streamed.map((count) => {
    from += count;
    return pieceBytes(memory, from - count, from);
  });
  return { residency, held, peak: held + Math.max(0, ...bytes) };
}

function sum(bytes: readonly number[]): number {
  return bytes.reduce((total, each) => total + each, 0);
}
