import type { Picture } from '../media/media-service.ts';
import type { PictureModel } from './picture-model.ts';

export type SafetyMethods = {
  /** Loads the model ahead of its first use. */
  load: { params: PictureModel; result: undefined; event: never };
  /** Probability that a picture is explicit, 0…1. */
  explicitness: {
    params: { readonly model: PictureModel; readonly picture: Picture };
    result: number;
    event: never;
  };
};
