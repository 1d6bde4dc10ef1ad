import { floats, Session } from '../../graph/runtime/session.ts';
import type { Picture } from '../../media/raw/picture-file.ts';
import { elementAt } from '../../shared/element-at.ts';
import { SoundstageError } from '../../shared/errors.ts';
import type { PictureNetwork } from './picture-network.ts';
import { type PicturePreparation, picturePixels } from './picture-pixels.ts';

export interface PictureClassifierOptions {
  readonly network: PictureNetwork;
  /** Threads of the runtime. */
  readonly threads: number;
}

/** Classes that stand for explicit pictures. */
const explicitLabels = /^(?:nsfw|porn|hentai|explicit|unsafe|nudity|sexual)/i;

/** A picture classifier in memory; dispose of it. */
export class PictureClassifier implements AsyncDisposable {
  readonly #session: Session;
  readonly #labels: readonly string[];
  readonly #preparation: PicturePreparation;

  private constructor(session: Session, { labels, preparation }: PictureNetwork) {
    this.#session = session;
    this.#labels = labels;
    this.#preparation = preparation;
  }

  /** @throws SoundstageError `weights` if no class of the network stands for explicit pictures */
  static async open({ network, threads }: PictureClassifierOptions): Promise<PictureClassifier> {
    if (!network.labels.some((label) => explicitLabels.test(label))) {
      const known = network.labels.join(', ');
      throw new SoundstageError('weights', `the safety model tells ${known} apart, none of which means explicit`);
    }
    const session = await Session.open(network.graph, { threads, optimization: 'all', weights: 'resident' });
    return new PictureClassifier(session, network);
  }

  /** Probability of each class. */
  async classify(picture: Picture): Promise<Readonly<Record<string, number>>> {
    const pixels = await picturePixels(picture, this.#preparation);
    const { data } = floats(await this.#session.run({ pixels }), 'logits');
    const max = data.reduce((found, logit) => Math.max(found, logit), Number.NEGATIVE_INFINITY);
    const shares = Array.from(data, (logit) => Math.exp(logit - max));
    const sum = shares.reduce((total, share) => total + share, 0);
    return Object.fromEntries(this.#labels.map((label, index) => [label, elementAt(shares, index) / sum]));
  }

  /** Probability that the picture is explicit, 0…1. */
  async explicitness(picture: Picture): Promise<number> {
    return Object.entries(await this.classify(picture))
      .filter(([label]) => explicitLabels.test(label))
      .reduce((sum, [, probability]) => sum + probability, 0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#session[Symbol.asyncDispose]();
  }
}
