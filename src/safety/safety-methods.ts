import type { Picture, PictureFile } from '../media/raw/picture-file.ts';
import type { PictureModel } from './pictures/picture-model.ts';

export type SafetyMethods = {
  /** Loads the model ahead of its first use. */
  load: { params: PictureModel; result: undefined; event: never };
  /** Probability that a picture is explicit, 0…1. */
  explicitness: {
    params: { readonly model: PictureModel; readonly picture: Picture | PictureFile };
    result: number;
    event: never;
  };
};
