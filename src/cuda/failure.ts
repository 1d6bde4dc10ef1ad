/** What the CUDA runtime calls its errors: https://docs.nvidia.com/cuda/cuda-runtime-api, cudaError. */
const names: Readonly<Record<string, number>> = {
  MemoryAllocation: 2,
  InsufficientDriver: 35,
  DevicesUnavailable: 46,
  NoDevice: 100,
  InvalidDevice: 101,
  NoKernelImageForDevice: 209,
  ECCUncorrectable: 214,
  NvlinkUncorrectable: 220,
  ContainedError: 721,
  IllegalAddress: 700,
  LaunchTimeout: 702,
  AssertTriggered: 710,
  HardwareStackError: 714,
  IllegalInstruction: 715,
  MisalignedAddress: 716,
  InvalidAddressSpace: 717,
  InvalidPc: 718,
  LaunchFailure: 719,
  SystemDriverMismatch: 803,
  CompatNotSupportedOnDevice: 804,
  Unknown: 999,
};

/** The kernel's errors: with those, a process cannot use the GPU any more. */
const lost: readonly number[] = [214, 220, 700, 702, 710, 714, 715, 716, 717, 718, 719, 721, 999];

const maxLength = 300;

/** The first CUDA version of the runtime's provider, and the driver that came with it. */
export const [cudaMajor, oldestDriver] = ['13', '580'] as const;

export interface CudaFailure {
  readonly code: number;
  /** `CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version`. */
  readonly line: string;
}

/** The CUDA runtime's error inside of what the tensor runtime says about it. */
export function cudaFailure(text: string): CudaFailure | undefined {
  const [line, code] = /CUDA failure (\d+): .*?(?=\s*;|\n|$)/.exec(text) ?? [];
  if (line !== undefined) return { code: Number(code), line };
  // Of a kernel that could not be started, it gives the name alone.
  const [, name, description] = /CUDA error cudaError(\w+): ?(.*?)(?=\s*;|\n|$)/.exec(text) ?? [];
  const known = name === undefined ? undefined : names[name];
  return known === undefined ? undefined : { code: known, line: `CUDA failure ${known}: ${description}` };
}

/** Whether cuDNN could not compute attention. The runtime has a kernel of its own, but does not fall back to it. */
export function isCudnnAttentionFailure(text: string): boolean {
  return /Attention node/.test(text) && /cudnn/i.test(text);
}

/** What went wrong on a GPU, and what to do about it, in one sentence; undefined where the text does not tell. */
export function explainCudaFailure(text: string): string | undefined {
  const failure = cudaFailure(text);
  const code = failure?.code;
  if (code === names.MemoryAllocation || /Failed to allocate memory for requested buffer/.test(text)) {
    return 'the GPU is out of memory: ask for a smaller or shorter clip, end other programs that use the GPU (`nvidia-smi` lists them), or take a larger one';
  }
  if (failure === undefined || code === undefined) return undefined;
  const { line } = failure;
  if (code === names.InsufficientDriver) {
    return `the NVIDIA driver is too old for CUDA ${cudaMajor} (${line}): install version ${oldestDriver} or newer`;
  }
  if (code === names.NoDevice || code === names.InvalidDevice) {
    return `the driver finds no GPU (${line}): look at \`nvidia-smi\` and at CUDA_VISIBLE_DEVICES, and start a container with its GPUs`;
  }
  if (code === names.NoKernelImageForDevice) return unsupportedGeneration('the GPU', line);
  if (code === names.DevicesUnavailable) {
    return `another program has the GPU for itself (${line}): end it, or allow several with \`nvidia-smi -c DEFAULT\``;
  }
  if (code === names.SystemDriverMismatch || code === names.CompatNotSupportedOnDevice) {
    return `the NVIDIA driver and its libraries do not fit each other (${line}): restart the machine after an update of the driver, and take CUDA's compatibility libraries off LD_LIBRARY_PATH`;
  }
  if (lost.includes(code)) {
    return `the GPU failed (${line}): try again, and if it happens again, look for "Xid" in the kernel's log (\`dmesg\`), and reset the GPU or restart the machine`;
  }
  return `the GPU cannot be used (${line}): look at \`nvidia-smi\` and the kernel's log (\`dmesg\`), and restart the machine if they say no more`;
}

/** @param card its name, with what is known of it */
export function unsupportedGeneration(card: string, detail: string): string {
  return `ONNX Runtime's CUDA part has no code for the generation of ${card} (${detail}), only for compute capability 7.5, 8.x, 9.0 and 12.x: use another GPU`;
}

/** Whether the provider has code for a compute capability; what is built for a generation runs on its later variants. */
export function isSupportedCapability(computeCapability: string): boolean {
  const [major, minor] = computeCapability.split('.').map(Number);
  return major === 8 || major === 9 || major === 12 || (major === 7 && minor === 5);
}

/** The first line of an error of the runtime, without the C++ that it was thrown from. */
export function shortReason(text: string): string {
  const failure = cudaFailure(text);
  if (failure !== undefined) return failure.line;
  const [line = ''] = text.split('\n');
  return line.length <= maxLength ? line : `${line.slice(0, maxLength)}…`;
}
