import { expect, test } from 'vitest';
import type { Gpu } from './gpus.ts';
import { type CudaFacts, explainCudaTrouble } from './trouble.ts';

const h100: Gpu = { index: 0, name: 'NVIDIA H100', driver: '550.54.14', computeCapability: '9.0' };
const none: Omit<CudaFacts, 'text'> = { missing: [], ofOtherMajor: [], gpus: [], driver: undefined };
const notLoaded = 'OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library';
const tooOld = 'CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ; GPU=-1';
const noCudnn =
  'Non-zero status code returned while running MultiHeadAttention node. cuDNN is unavailable: dlopen failed for libcudnn.so';

test.for<[string, CudaFacts, RegExp]>([
  [
    'the driver',
    { ...none, text: notLoaded, missing: ['libcuda.so.1'] },
    /^there is no NVIDIA driver \(libcuda\.so\.1; nothing else is missing\): install version 580/,
  ],
  [
    'the driver of a container',
    { ...none, text: notLoaded, missing: ['libcuda.so.1'], gpus: [h100] },
    /^the driver's library for NVIDIA H100 is missing .* or start the container with its GPUs$/,
  ],
  [
    'libraries',
    { ...none, text: notLoaded, missing: ['libcublas.so.13', 'libcurand.so.10'] },
    /^libraries are missing \(libcublas\.so\.13, libcurand\.so\.10\): run `soundstage gpu install --with-cuda-libraries`$/,
  ],
  [
    'libraries and the driver',
    { ...none, text: notLoaded, missing: ['libcublas.so.13', 'libcuda.so.1'] },
    /--with-cuda-libraries`, and install an NVIDIA driver of version 580 or newer$/,
  ],
  ['cuDNN', { ...none, text: noCudnn, missing: ['libcudnn.so.9'] }, /^libraries are missing \(libcudnn\.so\.9\): run/],
  [
    'the major',
    { ...none, text: notLoaded, missing: ['libcublas.so.13'], ofOtherMajor: ['libcublas.so.12'] },
    /^CUDA 13 is needed, and the libraries here are of another version \(libcublas\.so\.12; missing: libcublas\.so\.13\): run/,
  ],
  [
    'a driver that is too old',
    { ...none, text: tooOld, gpus: [h100], driver: '550.54.14' },
    /^the NVIDIA driver 550\.54\.14 is too old for CUDA 13 \(CUDA failure 35: .*\): install version 580 or newer$/,
  ],
  [
    'a generation',
    {
      ...none,
      text: 'CUDA failure 209: no kernel image',
      gpus: [{ ...h100, name: 'NVIDIA B200', computeCapability: '10.0' }],
    },
    /no code for the generation of NVIDIA B200 \(compute capability 10\.0\)/,
  ],
  ['anything else', { ...none, text: 'it computes wrongly', missing: ['libnvrtc.so.13'] }, /^it computes wrongly$/],
])('what is wrong with %s is said in one sentence', ([, facts, message]) => {
  expect(explainCudaTrouble(facts)).toMatch(message);
});
