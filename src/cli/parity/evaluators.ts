import { audioEvaluators } from './audio-cases.ts';
import type { Evaluators } from './parity-case.ts';
import { pictureEvaluators } from './picture-cases.ts';
import { pipelineEvaluators } from './pipeline-cases.ts';
import { textEvaluators } from './text-cases.ts';
import { transformerEvaluators } from './transformer-cases.ts';
import { videoEvaluators } from './video-cases.ts';

/** How each module of the parity format is evaluated. */
export const evaluators: Evaluators = {
  ...transformerEvaluators,
  ...pipelineEvaluators,
  ...audioEvaluators,
  ...textEvaluators,
  ...pictureEvaluators,
  ...videoEvaluators,
};
