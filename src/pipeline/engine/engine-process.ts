import { serveParentProcess } from '../../shared/processes/service-host.ts';
import { ClipEngine } from './clip-engine.ts';
import type { EngineMethods } from './engine-messages.ts';

// Entry of the engine's child process. It lives as long as its parent and holds the loaded model.
const engine = new ClipEngine();

serveParentProcess<EngineMethods>({
  generate: ({ plan, inputs, previews }, context) => engine.generate(plan, inputs, { ...context, previews }),
  expandPrompt: (request, { signal }) => engine.expandPrompt(request, signal),
});
