import { randomInt } from 'node:crypto';
import type { ClipSettings, LoraChoice } from '../../pipeline/plan/clip-settings.ts';
import type { Input } from './input.ts';
import { defaultNegativePrompt } from './negative-prompt.ts';
import { videoSizePresets } from './presets.ts';

/** What a request names, as files on this machine. */
export interface ClipFiles {
  readonly audio: string;
  readonly image?: string | undefined;
  readonly endImage?: string | undefined;
  /** Of the camera move, where one is asked for. */
  readonly cameraLora?: string | undefined;
  /** In the order of the request, entries with an empty path left out. */
  readonly loras: readonly LoraChoice[];
}

/** A seed for a request that names none. */
export function drawSeed(): number {
  return randomInt(2 ** 32);
}

/** What a clip should be, from what was asked for. */
export function clipSettings(
  input: Input,
  files: ClipFiles,
  { seed, device }: Pick<ClipSettings, 'seed' | 'device'>,
): ClipSettings {
  const { video_size: size, negative_prompt: negative } = input;
  const { audio, image, endImage, cameraLora, loras } = files;
  const camera = cameraLora === undefined ? [] : [{ path: cameraLora, scale: input.camera_lora_scale }];
  const guided = negative.trim() !== '' && negative !== defaultNegativePrompt;
  return {
    prompt: input.prompt,
    expandPrompt: input.enable_prompt_expansion,
    audio,
    image,
    endImage,
    matchAudioLength: input.match_audio_length,
    numFrames: input.num_frames,
    videoSize: typeof size === 'string' && size !== 'auto' ? videoSizePresets[size] : size,
    useMultiscale: input.use_multiscale,
    fps: input.fps,
    acceleration: input.acceleration,
    negativePrompt: guided ? negative : undefined,
    seed,
    videoOutputType: input.video_output_type,
    videoQuality: input.video_quality,
    videoWriteMode: input.video_write_mode,
    loras: [...camera, ...loras],
    imageStrength: input.image_strength,
    endImageStrength: input.end_image_strength,
    audioStrength: input.audio_strength,
    preprocessAudio: input.preprocess_audio,
    device,
  };
}
