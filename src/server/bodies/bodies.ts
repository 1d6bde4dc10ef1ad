import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { InputReceiver } from '../../jobs/accept/input-receiver.ts';
import { type ReceivedInput, UnreadableInput } from '../../jobs/request/submission.ts';
import type { WorkFolder } from '../../jobs/work/work-folder.ts';
import { type Caller, keylessOwner } from '../access/authentication.ts';
import type { AppContext } from '../app-env.ts';
import { bodyBytes } from './body-bytes.ts';
import { type BodyShare, BodyShares } from './body-shares.ts';
import { readJson } from './json-body.ts';
import { RefusedBody } from './refused-body.ts';

/** Milliseconds a caller may pause within a JSON body. */
const idle = 30_000;
/** Bytes of a body that is no input; the largest is the list of the parts of an upload. */
const largestSmallBody = 2 * 2 ** 20;
/** Bytes of memory for all bodies under way. */
const memory = 64 * 2 ** 20;
/** Bodies up to so many bytes are always taken: they are no burden, and they are most requests. */
const alwaysTaken = 64 * 1024;
/** Disk for all data URIs under way, in bodies of the largest size. */
const bodiesOnDisk = 32;

export interface BodiesOptions {
  /** Bytes of an input. */
  readonly largestInput: number;
  /** Where data URIs go while they arrive. */
  readonly folder: Pick<WorkFolder, 'open'>;
}

/** An input; dispose once it is submitted. */
export type InputBody = ReceivedInput & AsyncDisposable;

/** Reads JSON bodies, with limits on all that are under way: of one sender, and together. */
export class Bodies {
  readonly #options: BodiesOptions;
  readonly #memory = new BodyShares(memory, alwaysTaken);
  readonly #disk: BodyShares;

  constructor(options: BodiesOptions) {
    this.#options = options;
    this.#disk = new BodyShares(bodiesOnDisk * options.largestInput);
  }

  /** @throws RefusedBody */
  async json(c: AppContext): Promise<unknown> {
    using share = this.#memory.open(sender(c));
    return await readJson(c.req.raw, { bytes: largestSmallBody, idle }, share);
  }

  /** @throws RefusedBody */
  async input(c: AppContext): Promise<InputBody> {
    const { largestInput, folder } = this.#options;
    await using opened = new AsyncDisposableStack();
    let path: string | undefined;
    const newPath = async (): Promise<string> => {
      path ??= opened.use(await folder.open(`body-${randomUUID()}`)).path;
      return join(path, randomUUID());
    };
    const text = opened.use(this.#memory.open(sender(c)));
    const files = opened.use(this.#disk.open(sender(c)));
    const limits = { bytes: largestInput, idle };
    const received = await receive(bodyBytes(c.req.raw, limits), new InputReceiver(newPath), { text, files });
    const stack = opened.move();
    return { ...received, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  }
}

interface Shares {
  readonly text: BodyShare;
  readonly files: BodyShare;
}

async function receive(
  chunks: AsyncIterable<Buffer>,
  receiver: InputReceiver,
  { text, files }: Shares,
): Promise<ReceivedInput> {
  await using input = receiver;
  try {
    for await (const chunk of chunks) {
      await input.write(chunk);
      if (!text.grow(input.textBytes) || !files.grow(input.fileBytes)) throw RefusedBody.tooManyAtOnce();
    }
    return input.end();
  } catch (error) {
    if (!(error instanceof UnreadableInput)) throw error;
    const { message, position } = error;
    throw position === undefined ? RefusedBody.tooMuchText(message) : RefusedBody.notJson(message, position);
  }
}

/** Whose share a body takes: that of the key, and where there is none, of the address. */
function sender(c: AppContext): string {
  // The file server knows its callers by their tokens only.
  const caller: Caller | undefined = c.var.caller;
  const isKnown = caller !== undefined && caller.owner !== keylessOwner;
  return isKnown ? caller.owner : `address ${c.env?.incoming?.socket.remoteAddress ?? ''}`;
}
