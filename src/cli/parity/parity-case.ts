import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { GraphTarget } from '../../graph/graph-target.ts';
import { floatTensor, type HostTensor, hostTensor } from '../../graph/runtime/host-tensor.ts';
import { readSafetensorsHeader, type SafetensorsHeader } from '../../graph/weights/safetensors.ts';
import { readBytes } from '../../graph/weights/stored-tensor-values.ts';
import { SoundstageError } from '../../shared/errors.ts';

const tolerance = z.object({ max_abs: z.number(), rel_l2: z.number() });

const manifestSchema = z.object({
  format: z.literal(1),
  cases: z.array(
    z.object({
      name: z.string(),
      module: z.string(),
      params: z.record(z.string(), z.unknown()).default({}),
      inputs: z.record(z.string(), z.string()),
      outputs: z.record(z.string(), z.string()),
      tolerance: tolerance.extend({ per_output: z.record(z.string(), tolerance).optional() }),
    }),
  ),
});

export type CaseDescription = z.infer<typeof manifestSchema>['cases'][number];
export type Tolerance = z.infer<typeof tolerance>;

/** A folder in the parity format, opened. */
export interface ParityFolder {
  readonly cases: readonly CaseDescription[];
  readonly checkpoint: string;
  readonly tensors: SafetensorsHeader;
}

/** One case as its evaluator sees it. */
export class ParityCase {
  readonly description: CaseDescription;
  readonly #folder: ParityFolder;
  readonly #target: GraphTarget;
  #usesTarget = false;

  constructor(description: CaseDescription, folder: ParityFolder, target: GraphTarget) {
    this.description = description;
    this.#folder = folder;
    this.#target = target;
  }

  /** What networks are built for and run on. */
  get target(): GraphTarget {
    this.#usesTarget = true;
    return this.#target;
  }

  /**
   * What an output may be off by: as recorded, for float32. Of what networks compute in half precision, the target's relative error
   * alone counts; and no error of what is computed without them.
   */
  tolerance(output: string): Tolerance {
    const { per_output, ...whole } = this.description.tolerance;
    const recorded = per_output?.[output] ?? whole;
    if (!this.#usesTarget || this.#target.arithmetic === 'float32') return recorded;
    return { max_abs: Number.POSITIVE_INFINITY, rel_l2: this.#target.tolerance };
  }

  /** Path of a file of the folder's checkpoint. */
  file(name: string): string {
    return join(this.#folder.checkpoint, name);
  }

  has(input: string): boolean {
    return input in this.description.inputs;
  }

  /** A float32 input. */
  async floats(input: string): Promise<HostTensor<'float32'>> {
    const tensor = await this.integers(input);
    if (tensor.dtype !== 'float32') throw new Error(`input "${input}" is ${tensor.dtype}`);
    return tensor as HostTensor<'float32'>;
  }

  /** An integer or byte input. */
  async integers(input: string): Promise<HostTensor> {
    return await this.#read(this.description.inputs[input], `input "${input}"`);
  }

  async expected(output: string): Promise<HostTensor> {
    return await this.#read(this.description.outputs[output], `output "${output}"`);
  }

  /** The case's parameters, validated. */
  params<Schema extends z.ZodType>(schema: Schema): z.infer<Schema> {
    return schema.parse(this.description.params);
  }

  async #read(key: string | undefined, name: string): Promise<HostTensor> {
    if (key === undefined) throw new Error(`the case has no ${name}`);
    const stored = this.#folder.tensors.tensors.get(key);
    if (stored === undefined) throw new Error(`${this.#folder.tensors.file} has no tensor "${key}"`);
    const { buffer } = await readBytes(stored);
    if (stored.dtype === 'float32') return floatTensor(new Float32Array(buffer), stored.shape);
    if (stored.dtype === 'int32') return hostTensor('int32', new Int32Array(buffer), stored.shape);
    if (stored.dtype === 'uint8') return hostTensor('uint8', new Uint8Array(buffer), stored.shape);
    throw new Error(`"${key}" has the type ${stored.dtype}, which the format does not have`);
  }
}

/** Computes the outputs of a case with this implementation. */
export type Evaluator = (parityCase: ParityCase) => Promise<Readonly<Record<string, HostTensor>>>;
export type Evaluators = Readonly<Record<string, Evaluator>>;

export async function openParityFolder(folder: string): Promise<ParityFolder> {
  const path = join(folder, 'manifest.json');
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new SoundstageError('input', `${folder} is not a parity folder: it has no manifest.json`, { cause });
  });
  try {
    const { cases } = manifestSchema.parse(JSON.parse(text));
    const tensors = await readSafetensorsHeader(join(folder, 'cases.safetensors'));
    return { cases, checkpoint: join(folder, 'checkpoint'), tensors };
  } catch (cause) {
    if (cause instanceof SoundstageError) throw cause;
    throw new SoundstageError('input', `${path} is not in the parity format`, { cause });
  }
}
