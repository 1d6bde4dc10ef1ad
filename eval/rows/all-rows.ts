import type { Row } from '../row.ts';
import { audioStrengthRow } from './audio-strength.ts';
import { soundAutoencoderRow, videoAutoencoderRow } from './autoencoders.ts';
import { camerasRow } from './cameras.ts';
import { defaultRequestRow } from './default-request.ts';
import { endImageRow, firstImageRow } from './images.ts';
import { multiscaleRow } from './multiscale.ts';
import { negativePromptRow } from './negative-prompt.ts';
import { promptExpansionRow } from './prompt-expansion.ts';
import { promptRow } from './prompts.ts';
import { speedRow } from './speed.ts';
import { stylesRow, twoLorasRow } from './styles.ts';
import { causalRow, syncRow } from './sync.ts';

/** Every row in the order of the table. */
export function allRows(model: string): readonly Row[] {
  return [
    defaultRequestRow,
    syncRow,
    causalRow,
    promptRow,
    firstImageRow,
    endImageRow,
    camerasRow,
    stylesRow,
    twoLorasRow,
    multiscaleRow,
    audioStrengthRow,
    negativePromptRow,
    promptExpansionRow,
    videoAutoencoderRow,
    soundAutoencoderRow,
    speedRow(model),
  ];
}
