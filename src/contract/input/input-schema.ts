import { z } from 'zod';
import { videoOutputTypes, videoQualities, videoWriteModes } from '../../media/video-settings.ts';
import { cameraMoves } from '../../models/camera-moves.ts';
import { accelerations } from '../../pipeline/plan/acceleration.ts';
import { frameLimits, sideLimits } from '../../pipeline/plan/limits.ts';
import { address, integer, number, optionalAddress, text } from './field-schemas.ts';
import { videoSizePresetNames } from './presets.ts';

/** The endpoint's default. It and an empty text mean: no guidance. */
export const defaultNegativePrompt =
  'blurry, out of focus, overexposed, underexposed, low contrast, washed out colors, excessive noise, ' +
  'grainy texture, poor lighting, flickering, motion blur, distorted proportions, unnatural skin tones,' +
  ' deformed facial features, asymmetrical face, missing facial features, extra limbs, disfigured ' +
  'hands, wrong hand count, artifacts around text, inconsistent perspective, camera shake, incorrect ' +
  'depth of field, background too sharp, background clutter, distracting reflections, harsh shadows, ' +
  'inconsistent lighting direction, color banding, cartoonish rendering, 3D CGI look, unrealistic ' +
  'materials, uncanny valley effect, incorrect ethnicity, wrong gender, exaggerated expressions, wrong ' +
  'gaze direction, mismatched lip sync, silent or muted audio, distorted voice, robotic voice, echo, ' +
  'background noise, off-sync audio,incorrect dialogue, added dialogue, repetitive speech, jittery ' +
  'movement, awkward pauses, incorrect timing, unnatural transitions, inconsistent framing, tilted ' +
  'camera, flat lighting, inconsistent tone, cinematic oversaturation, stylized filters, or AI ' +
  'artifacts.';

const examples = 'https://storage.googleapis.com/falserverless/example_inputs';
const strength = number({ min: 0, max: 1 });
const flag = z.boolean();
/** Largest LoRA list, and longest prompts in characters, that are served; the platform publishes no limit. */
export const loraLimit = 8;
export const promptLimit = 5000;

/** What a side may be by the published schema is more than what is delivered. */
const side = integer(sideLimits)
  .default(512)
  .meta({ published: { exclusiveMinimum: 0, maximum: 14142 } });
const delivered = `Delivered are ${sideLimits.min} to ${sideLimits.max} pixels.`;

/** Width and height. */
export const imageSize = z
  .object({
    width: side.meta({ title: 'Width', description: `The width of the generated image. ${delivered}` }),
    height: side.meta({ title: 'Height', description: `The height of the generated image. ${delivered}` }),
  })
  .meta({ id: 'ImageSize', title: 'ImageSize' });

const sizePresets = z.enum(['auto', ...videoSizePresetNames]);

export const loraInput = z
  .object({
    path: optionalAddress().meta({
      title: 'Path',
      description: 'URL, HuggingFace repo ID (owner/repo) to lora weights.',
    }),
    weight_name: address()
      .optional()
      .meta({
        title: 'Weight Name',
        description:
          'Name of the LoRA weight. Only used if `path` is a HuggingFace repository, and is only required when the ' +
          'repository contains multiple LoRA weights.',
        nullable: true,
      }),
    scale: number({ min: 0, max: 4 })
      .default(1)
      .meta({ title: 'Scale', description: 'Scale factor for LoRA application (0.0 to 4.0).' }),
  })
  .meta({ id: 'LoRAInput', title: 'LoRAInput', description: 'LoRA weight configuration.' });

const cameraControl =
  'This allows you to control the camera movement of the generated video more accurately than just prompting the ' +
  'model to move the camera.';

/**
 * The input of the endpoint with LoRAs: fields in published order, with published titles, texts, defaults and ranges.
 * Served limits that are not published are marked so. Unknown fields are ignored.
 */
export const inputSchema = z
  .object({
    prompt: text({ min: 1, max: promptLimit }).meta({
      title: 'Prompt',
      description: 'The prompt to generate the video from.',
      examples: ['A woman speaks to the camera'],
    }),
    audio_url: address().meta({
      title: 'Audio URL',
      description: 'The URL of the audio to generate the video from.',
      examples: [`${examples}/ltx-2-a2v-input-audio.mp3`],
    }),
    image_url: address()
      .optional()
      .meta({
        title: 'Image URL',
        description: 'Optional URL of an image to use as the first frame of the video.',
        examples: [`${examples}/ltx-2-a2v-input-image.png`],
        nullable: true,
      }),
    end_image_url: address().optional().meta({
      title: 'End Image URL',
      description: 'The URL of the image to use as the end of the video.',
      nullable: true,
    }),
    match_audio_length: flag.default(true).meta({
      title: 'Match Audio Length',
      description:
        'When enabled, the number of frames will be calculated based on the audio duration and FPS. When disabled, ' +
        'use the specified num_frames.',
    }),
    num_frames: integer(frameLimits)
      .default(121)
      .meta({ title: 'Number of Frames', description: 'The number of frames to generate.' }),
    video_size: z.union([imageSize, sizePresets]).default('landscape_4_3').meta({
      title: 'Video Size',
      description: "The size of the generated video. Use 'auto' to match the input image dimensions if provided.",
    }),
    use_multiscale: flag.default(true).meta({
      title: 'Use Multi-Scale',
      description:
        'Whether to use multi-scale generation. If True, the model will generate the video at a smaller scale first, ' +
        'then use the smaller video to guide the generation of a video at or above your requested size. This results ' +
        'in better coherence and details.',
    }),
    fps: number({ min: 1, max: 60 })
      .default(25)
      .meta({ title: 'FPS', description: 'The frames per second of the generated video.' }),
    acceleration: z
      .enum(accelerations)
      .default('none')
      .meta({ title: 'Acceleration', description: 'The acceleration level to use.', examples: ['none'] }),
    camera_lora: z
      .enum([...cameraMoves, 'none'])
      .default('none')
      .meta({ title: 'Camera LoRA', description: `The camera LoRA to use. ${cameraControl}`, examples: ['none'] }),
    camera_lora_scale: strength
      .default(1)
      .meta({ title: 'Camera LoRA Scale', description: `The scale of the camera LoRA to use. ${cameraControl}` }),
    negative_prompt: text({ min: 0, max: promptLimit })
      .default(defaultNegativePrompt)
      .meta({ title: 'Negative Prompt', description: 'The negative prompt to generate the video from.' }),
    seed: integer({ min: 0, max: 2 ** 32 - 1 })
      .optional()
      .meta({
        title: 'Seed',
        description: 'The seed for the random number generator.',
        nullable: true,
        published: {},
      }),
    enable_prompt_expansion: flag
      .default(true)
      .meta({ title: 'Enable Prompt Expansion', description: 'Whether to enable prompt expansion.' }),
    enable_safety_checker: flag
      .default(true)
      .meta({ title: 'Enable Safety Checker', description: 'Whether to enable the safety checker.' }),
    video_output_type: z
      .enum(videoOutputTypes)
      .default('X264 (.mp4)')
      .meta({ title: 'Video Output Type', description: 'The output type of the generated video.' }),
    video_quality: z
      .enum(videoQualities)
      .default('high')
      .meta({ title: 'Video Quality', description: 'The quality of the generated video.' }),
    video_write_mode: z
      .enum(videoWriteModes)
      .default('balanced')
      .meta({ title: 'Video Write Mode', description: 'The write mode of the generated video.' }),
    sync_mode: flag.default(false).meta({
      title: 'Sync Mode',
      description:
        "If `True`, the media will be returned as a data URI and the output data won't be available in the request " +
        'history.',
    }),
    loras: z
      .array(loraInput)
      .max(loraLimit)
      .meta({ title: 'LoRAs', description: 'The LoRAs to use for the generation.', published: {} }),
    image_strength: strength.default(1).meta({
      title: 'Image Strength',
      description: 'The strength of the image to use for the video generation.',
    }),
    end_image_strength: strength.default(1).meta({
      title: 'End Image Strength',
      description: 'The strength of the end image to use for the video generation.',
    }),
    audio_strength: strength.default(1).meta({
      title: 'Audio Strength',
      description:
        'Audio conditioning strength. Values below 1.0 will allow the model to change the audio, while a value of ' +
        'exactly 1.0 will use the input audio without modification.',
    }),
    preprocess_audio: flag.default(true).meta({
      title: 'Preprocess Audio',
      description: 'Whether to preprocess the audio before using it as conditioning.',
    }),
  })
  .meta({ title: 'LTX2LoRADistilledAudioToVideoInput' });

/** A validated request to the endpoint with LoRAs. */
export type InputWithLoras = z.infer<typeof inputSchema>;

/** A validated request to any endpoint. */
export type Input = Omit<InputWithLoras, 'loras'> & Partial<Pick<InputWithLoras, 'loras'>>;

export type InputField = keyof typeof inputSchema.shape;
