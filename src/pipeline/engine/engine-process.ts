import { graphTargets } from '../../graph/graph-target.ts';
import { expandPrompt } from '../../ltx2/text/generation/prompt-expansion.ts';
import { readPictureFile } from '../../media/raw/picture-file.ts';
import { serveParentProcess } from '../../shared/processes/service-host.ts';
import { ClipEngine } from './clip-engine.ts';
import type { EngineMethods } from './engine-messages.ts';

// Entry of the engine's child process. It lives as long as its parent and holds the loaded model.
const engine = new ClipEngine();

serveParentProcess<EngineMethods>({
  generate: ({ plan, inputs, previews }, context) => engine.generate(plan, inputs, { ...context, previews }),
  expandPrompt: async ({ weights, device, prompt, seed, image }, { signal }) =>
    expandPrompt(prompt, {
      encoder: weights.textEncoder,
      target: graphTargets[device],
      seed,
      image: image && (await readPictureFile(image)),
      signal,
    }),
});
