import { deviceEnvironment } from '../../cuda/device-environment.ts';
import { deviceVariables } from '../../shared/processes/child-environment.ts';
import { ChildService } from '../../shared/processes/child-service.ts';
import type { Plan } from '../plan/plan.ts';
import type { EngineEvent, EngineInputs, EngineMethods, EngineReport } from './engine-messages.ts';

export interface GenerateOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether to emit a preview after each step. Default: no. */
  readonly previews?: boolean | undefined;
  /** Called in order; the engine waits for it, which keeps memory bounded. */
  readonly onEvent?: ((event: EngineEvent) => void | Promise<void>) | undefined;
}

/**
 * The engine as its parent sees it: a child process that holds the model. It starts with the first clip, stays for the
 * next, and is started anew after a crash. Dispose to end it.
 */
export class Engine implements AsyncDisposable {
  readonly #service: ChildService<EngineMethods>;

  /** @param gpu the one to use, as CUDA_VISIBLE_DEVICES names it. Default: the first that is visible */
  constructor({ gpu }: { readonly gpu?: string | undefined } = {}) {
    this.#service = new ChildService({
      module: new URL('./engine-process.ts', import.meta.url),
      title: 'the engine',
      variables: deviceVariables,
      env: () => deviceEnvironment(gpu),
    });
  }

  get pid(): number | undefined {
    return this.#service.pid;
  }

  /** Starts the process ahead of its first use, so that it loads its libraries meanwhile. */
  start(): void {
    this.#service.start();
  }

  generate(
    plan: Plan,
    inputs: EngineInputs,
    { signal, previews = false, onEvent }: GenerateOptions = {},
  ): Promise<EngineReport> {
    return this.#service.call('generate', { plan, inputs, previews }, { signal, onEvent });
  }

  /** The prompt in more words, and whether the image was looked at; undefined where the text encoder is no chat model. */
  expandPrompt(
    request: EngineMethods['expandPrompt']['params'],
    { signal }: Pick<GenerateOptions, 'signal'> = {},
  ): Promise<EngineMethods['expandPrompt']['result']> {
    return this.#service.call('expandPrompt', request, { signal });
  }

  /** Ends the process; the next clip gets a new one. */
  stop(): void {
    this.#service.kill();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#service[Symbol.asyncDispose]();
  }
}
