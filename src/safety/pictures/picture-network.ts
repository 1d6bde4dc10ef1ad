import type { GraphModel } from '../../graph/graph-model.ts';
import type { PicturePreparation } from './picture-pixels.ts';

/** A picture classifier: input `pixels [1, 3, height, width]` float32, output `logits [1, labels]` float32. */
export interface PictureNetwork {
  readonly graph: GraphModel;
  readonly labels: readonly string[];
  readonly preparation: PicturePreparation;
}
