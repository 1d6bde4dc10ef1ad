import { elementAt } from '../shared/element-at.ts';
import { randomSafetensors, type TestHub } from './hub.test-support.ts';

const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];

/** Puts small stand-ins for everything the 19B sets need on a test hub. */
export function addWeights(hub: TestHub, bundleBytes = 100_000): void {
  hub.add('Lightricks/LTX-2', {
    'README.md': 'not wanted',
    'ltx-2-19b-distilled.safetensors': randomSafetensors(bundleBytes),
    'ltx-2-19b-distilled-fp8.safetensors': randomSafetensors(5000),
    'ltx-2-spatial-upscaler-x2-1.0.safetensors': randomSafetensors(3000),
  });
  hub.add('google/gemma-3-12b-it-qat-q4_0-unquantized', {
    'config.json': '{"model_type":"gemma3"}',
    'tokenizer.json': '{"version":"1.0"}',
    'tokenizer_config.json': '{}',
    'generation_config.json': '{"top_k":64}',
    'model.safetensors.index.json': JSON.stringify({
      metadata: { total_size: 4000 },
      weight_map: { 'a.weight': shards[0], 'b.weight': shards[1], 'c.weight': shards[1] },
    }),
    [elementAt(shards, 0)]: randomSafetensors(2000),
    [elementAt(shards, 1)]: randomSafetensors(2100),
  });
  hub.add('Lightricks/LTX-2-19b-LoRA-Camera-Control-Dolly-In', {
    'ltx-2-19b-lora-camera-control-dolly-in.safetensors': randomSafetensors(700),
  });
}
