import { availableParallelism } from 'node:os';
import sharp from 'sharp';
import { readPictureFile } from '../media/raw/picture-file.ts';
import { Lazy } from '../shared/lazy.ts';
import { serveParentProcess } from '../shared/processes/service-host.ts';
import { openMobilenet } from './pictures/mobilenet.ts';
import { PictureClassifier } from './pictures/picture-classifier.ts';
import type { PictureModel } from './pictures/picture-model.ts';
import { openVisionTransformer } from './pictures/vision-transformer.ts';
import type { SafetyMethods } from './safety-methods.ts';

// Entry of the safety checker's child process, which holds one model. A quarter of the processor: it works beside the
// engine, which needs the rest.
const threads = Math.max(1, Math.floor(availableParallelism() / 4));
sharp.concurrency(1);

let loaded: { readonly path: string; readonly classifier: Lazy<PictureClassifier> } | undefined;

function classifierOf(model: PictureModel): Promise<PictureClassifier> {
  if (loaded?.path !== model.path) loaded = { path: model.path, classifier: new Lazy(() => open(model)) };
  return loaded.classifier.get();
}

async function open({ kind, path }: PictureModel): Promise<PictureClassifier> {
  const network = kind === 'embedded' ? await openMobilenet(path) : await openVisionTransformer(path);
  return PictureClassifier.open({ network, threads });
}

serveParentProcess<SafetyMethods>({
  load: async (model) => {
    await classifierOf(model);
    return undefined;
  },
  explicitness: async ({ model, picture }) =>
    (await classifierOf(model)).explicitness('path' in picture ? await readPictureFile(picture) : picture),
});
