import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { baselineWasm } from './test/support/baseline-wasm.ts';

// Nearly every file, and many a test, starts processes, which would compile the same modules again.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/compiled');

/**
 * Tests of plain JavaScript, which cannot crash: nothing they import is native (the tensor runtime, the codecs, sharp, the
 * databases) or starts a process. They share processes, because most of their time would go into starting their own.
 */
const light = [
  'eval/measures/!(face-parts|sharpness-over-drawing).test.ts',
  'eval/sounds/*.test.ts',
  'eval/results-table.test.ts',
  'src/cli/{generate-flags,models-command}.test.ts',
  'src/contract/{input,lax-values,llms-txt,openapi,price,validate-input,without-paths}.test.ts',
  'src/fetching/{address-guard,data-uri,fetcher,guarded-fetch,guarded-post,hub-lora,input-file}.test.ts',
  'src/fetching/{local-lora,safetensors-check,tls,url-lora}.test.ts',
  'src/files/{file-name,file-url,lifecycle}.test.ts',
  'src/graph/{dimension,safetensors}.test.ts',
  'src/ltx2/{noise,rope}.test.ts',
  'src/ltx2/lora/lora.test.ts',
  'src/ltx2/audio/{audio-latents,log-mel,resample}.test.ts',
  'src/ltx2/text/{token-sampling,tokenizer}.test.ts',
  'src/ltx2/transformer/transformer.test.ts',
  'src/ltx2/video/{decode-tiles,decoder-cost}.test.ts',
  'src/media/fps-rational.test.ts',
  'src/media/sound/*.test.ts',
  'src/models/{check-weights,progress-report,resolve-weights,safety-model}.test.ts',
  'src/models/hub/*.test.ts',
  'src/pipeline/{acceleration,frame-queue,plan}.test.ts',
  'src/safety/{frame-watch,prompt-rules}.test.ts',
  'src/server/{addresses,app-path,bases,credentials,event-stream,json-body,log,origins}.test.ts',
  'src/server/{request-options,tokens}.test.ts',
  'src/server/storage/byte-range.test.ts',
  'src/server/tls/kept-certificate.test.ts',
  'src/shared/mistaken-content.test.ts',
  'test/conformance/coverage.test.ts',
];

export default defineConfig({
  test: {
    pool: 'forks',
    // One more than the cores of the smallest machine: many tests spend most of their time waiting.
    maxWorkers: 3,
    execArgv: [...baselineWasm],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', './test/support/totals-reporter.ts'],
    projects: [
      { extends: true, test: { name: 'light', include: light, isolate: false } },
      // Native code is multi-threaded and may crash: one process per file keeps that local.
      {
        extends: true,
        test: {
          name: 'native',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'eval/**/*.test.ts'],
          exclude: light,
        },
      },
    ],
  },
});
