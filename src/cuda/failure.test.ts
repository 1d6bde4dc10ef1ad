import { expect, test } from 'vitest';
import { cudaFailure, explainCudaFailure, isSupportedCapability, shortReason } from './failure.ts';

const thrown =
  '/onnxruntime_src/cuda_call.cc:146 std::conditional_t<THRW, void> onnxruntime::CudaCall(ERRTYPE, const char*) ';

function runtimeText(code: number, text: string): string {
  return `${thrown}CUDA failure ${code}: ${text} ; GPU=0 ; hostname=vm ; file=/onnxruntime_src/x.cc ; line=29 ; expr=cudaSetDevice(id); \n\n`;
}

test('the error of CUDA is one line without the C++ around it', () => {
  const text = runtimeText(35, 'CUDA driver version is insufficient for CUDA runtime version');
  const line = 'CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version';
  expect(cudaFailure(text)).toEqual({ code: 35, line });
  expect(shortReason(text)).toBe(line);
  expect(cudaFailure('Failed to load shared library')).toBeUndefined();
});

test.for([
  [2, 'out of memory', /GPU is out of memory: ask for a smaller or shorter clip/],
  [35, 'insufficient', /driver is too old for CUDA 13 \(CUDA failure 35: insufficient\): install version 580 or newer/],
  [46, 'busy', /another program has the GPU for itself .* `nvidia-smi -c DEFAULT`/],
  [100, 'no device', /the driver finds no GPU .* CUDA_VISIBLE_DEVICES/],
  [101, 'invalid device ordinal', /the driver finds no GPU/],
  [209, 'no kernel image', /has no code for the generation .* use another GPU/],
  [700, 'illegal address', /the GPU failed .* "Xid"/],
  [719, 'unspecified launch failure', /the GPU failed \(CUDA failure 719: unspecified launch failure\)/],
  [803, 'mismatch', /do not fit each other .* restart the machine/],
  [802, 'system not yet initialized', /the GPU cannot be used \(CUDA failure 802/],
] as const)('failure %i says what to do', ([code, text, message]) => {
  expect(explainCudaFailure(runtimeText(code, text))).toMatch(message);
});

test('a kernel that could not be started gives the name of the error', () => {
  const text = "Name:'Cast_0' Status Message: CUDA error cudaErrorNoKernelImageForDevice:no kernel image is available";
  expect(cudaFailure(text)).toEqual({ code: 209, line: 'CUDA failure 209: no kernel image is available' });
});

test('a request for more memory than there is, and what is none of these', () => {
  expect(explainCudaFailure('BFCArena: Failed to allocate memory for requested buffer of size 12')).toMatch(
    /is out of memory/,
  );
  expect(explainCudaFailure('it computes wrongly (relative error 1)')).toBeUndefined();
  expect(shortReason(`${'x'.repeat(1000)}\nsecond line`)).toBe(`${'x'.repeat(300)}…`);
});

test('code for a generation runs on its later variants, and on no other generation', () => {
  const capabilities = ['7.0', '7.5', '8.0', '8.6', '8.7', '8.9', '9.0', '10.0', '10.3', '11.0', '12.0', '12.1'];
  expect(capabilities.filter(isSupportedCapability)).toEqual([
    '7.5',
    '8.0',
    '8.6',
    '8.7',
    '8.9',
    '9.0',
    '12.0',
    '12.1',
  ]);
});
