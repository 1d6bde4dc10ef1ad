import type { ArithmeticType } from './element-type.ts';

/** Every device, in the order in which they are listed to users. */
export const devices = ['cpu', 'cuda', 'webgpu'] as const;

export type DeviceKind = (typeof devices)[number];

/** The device that every machine has. Others are compared with it, and `auto` falls back to it. */
export const fallbackDevice = 'cpu' satisfies DeviceKind;

/** The devices `auto` takes where they work, the best first. The others have to be asked for. */
export const preferredDevices: readonly DeviceKind[] = ['cuda'];

/** A device, or the best of those that work. */
export const deviceChoices = ['auto', ...devices] as const;

export type DeviceChoice = (typeof deviceChoices)[number];

/** How layers are computed: `int8` rounds to eight bits, which is faster, and has kernels on the CPU alone. */
export const precisions = ['exact', 'int8'] as const;

export type Precision = (typeof precisions)[number];

/** What a graph is emitted for and a session runs on. Networks are written once: devices differ in nothing but this. */
export interface GraphTarget {
  readonly device: DeviceKind;
  /** The runtime's name for what executes the graph. */
  readonly executionProvider: string;
  /** What networks compute in. */
  readonly arithmetic: ArithmeticType;
  /** Operators without a kernel for that type, which run in float32 between casts. */
  readonly float32Operators: ReadonlySet<string>;
  /** Whether there is a kernel for silu in one pass (QuickGelu). */
  readonly hasSilu: boolean;
  /** Whether a product adds its bias for nothing; elsewhere it costs a pass, unless whatever reads the product adds it. */
  readonly biasesProducts: boolean;
  /** The operator for attention whose kernel is the faster one. */
  readonly attention: 'MultiHeadAttention' | 'Attention';
  /** Whether it makes tables of sines faster than it is handed them. */
  readonly makesTables: boolean;
  /** Whether 3×3×3 convolutions are to be made of fewer products and more sums (`operations/winograd.ts`). GPUs' libraries do so themselves. */
  readonly filtersConvolutions: boolean;
  /** Whether there is a kernel for InstanceNormalization. */
  readonly hasInstanceNormalization: boolean;
  /**
   * Whether the device has memory of its own, which weights are copied to. One graph that serves every case is worth its
   * detours then; elsewhere weights are mapped, and a graph for each case costs milliseconds.
   */
  readonly hasOwnMemory: boolean;
  /** Whether the runtime's allocator takes less memory when it is asked for the most first (`GraphModel.workspaceBytes`). */
  readonly needsWorkspace: boolean;
  /** Whether weights become the arithmetic type when a session opens, for want of a cast from the type they are stored in. */
  readonly widensAtOpening: boolean;
  /**
   * Largest relative error (L2) against float32 of the device check and of whole networks: half precision keeps two or three digits
   * through its operators.
   */
  readonly tolerance: number;
}

/** Variable of the CUDA runtime, read when a process starts: `0` keeps cuDNN from computing attention. */
export const cudnnAttentionVariable = 'ORT_ENABLE_CUDNN_FLASH_ATTENTION';

/** Operators whose CUDA kernels take no bf16 (onnxruntime's OperatorKernels.md). */
const withoutBfloat16Kernel: ReadonlySet<string> = new Set([
  ...['ReduceMean', 'ReduceMax', 'ReduceMin', 'LeakyRelu', 'Clip', 'Round'],
  ...['Pad', 'DepthToSpace', 'ConvTranspose', 'Resize', 'Floor', 'Abs', 'Log'],
]);

/** The CPU has no bf16 or f16 arithmetic worth using. */
export const graphTargets: Readonly<Record<DeviceKind, GraphTarget>> = Object.freeze({
  cpu: {
    device: 'cpu',
    executionProvider: 'cpu',
    arithmetic: 'float32',
    float32Operators: new Set<string>(),
    hasSilu: true,
    biasesProducts: true,
    attention: 'MultiHeadAttention',
    makesTables: false,
    filtersConvolutions: true,
    hasInstanceNormalization: true,
    hasOwnMemory: false,
    needsWorkspace: false,
    widensAtOpening: false,
    tolerance: 1e-6,
  },
  cuda: {
    device: 'cuda',
    executionProvider: 'cuda',
    arithmetic: 'bfloat16',
    float32Operators: withoutBfloat16Kernel,
    hasSilu: false,
    biasesProducts: false,
    // In bf16 the one has cuDNN's kernel or a slow one, the other always flash attention.
    attention: process.env[cudnnAttentionVariable] === '0' ? 'Attention' : 'MultiHeadAttention',
    makesTables: true,
    filtersConvolutions: false,
    hasInstanceNormalization: false,
    hasOwnMemory: true,
    needsWorkspace: true,
    widensAtOpening: false,
    tolerance: 3e-2,
  },
  webgpu: {
    device: 'webgpu',
    executionProvider: 'webgpu',
    arithmetic: 'float16',
    float32Operators: new Set<string>(),
    hasSilu: false,
    biasesProducts: true,
    attention: 'MultiHeadAttention',
    makesTables: false,
    filtersConvolutions: false,
    hasInstanceNormalization: true,
    hasOwnMemory: true,
    needsWorkspace: false,
    widensAtOpening: true,
    tolerance: 1e-2,
  },
});
