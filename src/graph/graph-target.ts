import type { ArithmeticType } from './element-type.ts';

export type DeviceKind = 'cpu' | 'cuda' | 'webgpu';

/** What a graph is emitted for. Networks are written once; this decides arithmetic type and operator choice. */
export interface GraphTarget {
  readonly device: DeviceKind;
  readonly arithmetic: ArithmeticType;
}

/** The targets in use: kernels for these pairs exist in the runtime (CPU has no bf16 or f16 arithmetic worth using). */
export const graphTargets: Readonly<Record<DeviceKind, GraphTarget>> = Object.freeze({
  cpu: { device: 'cpu', arithmetic: 'float32' },
  cuda: { device: 'cuda', arithmetic: 'bfloat16' },
  webgpu: { device: 'webgpu', arithmetic: 'float16' },
});
