// Made from the schemas of the inputs by scripts/write-clip-input.ts.

/** What a clip should be: the input of the endpoint, in which files may be named by their paths too. */
export interface ClipInput {
  /** The prompt to generate the video from. */
  readonly prompt: string;
  /** Path or URL of the recording that drives the clip: any common sound or video file. */
  readonly audio_url: string;
  /** Path or URL of a picture to use as the first frame. */
  readonly image_url?: string | undefined;
  /** Path or URL of a picture to use as the last frame. */
  readonly end_image_url?: string | undefined;
  /**
   * When enabled, the number of frames will be calculated based on the audio duration and FPS. When disabled, use the
   * specified num_frames. Default true.
   */
  readonly match_audio_length?: boolean | undefined;
  /** The number of frames to generate. A whole number from 9 to 481. Default 121. */
  readonly num_frames?: number | undefined;
  /**
   * The size of the generated video. Use 'auto' to match the input image dimensions if provided. Default
   * `landscape_4_3`.
   */
  readonly video_size?:
    | {
        /**
         * The width of the generated image. Delivered are 64 to 2048 pixels. A whole number from 64 to 2048. Default 512.
         */
        readonly width?: number | undefined;
        /**
         * The height of the generated image. Delivered are 64 to 2048 pixels. A whole number from 64 to 2048. Default 512.
         */
        readonly height?: number | undefined;
      }
    | 'auto'
    | 'square_hd'
    | 'square'
    | 'portrait_4_3'
    | 'portrait_16_9'
    | 'landscape_4_3'
    | 'landscape_16_9'
    | undefined;
  /**
   * Whether to use multi-scale generation. If True, the model will generate the video at a smaller scale first, then
   * use the smaller video to guide the generation of a video at or above your requested size. This results in better
   * coherence and details. Default true.
   */
  readonly use_multiscale?: boolean | undefined;
  /** The frames per second of the generated video. A number from 1 to 60. Default 25. */
  readonly fps?: number | undefined;
  /** The acceleration level to use. Default `none`. */
  readonly acceleration?: 'none' | 'regular' | 'high' | 'full' | undefined;
  /**
   * The camera LoRA to use. This allows you to control the camera movement of the generated video more accurately than
   * just prompting the model to move the camera. Default `none`.
   */
  readonly camera_lora?:
    | 'dolly_in'
    | 'dolly_out'
    | 'dolly_left'
    | 'dolly_right'
    | 'jib_up'
    | 'jib_down'
    | 'static'
    | 'none'
    | undefined;
  /**
   * The scale of the camera LoRA to use. This allows you to control the camera movement of the generated video more
   * accurately than just prompting the model to move the camera. A number from 0 to 1. Default 1.
   */
  readonly camera_lora_scale?: number | undefined;
  /** The negative prompt to generate the video from. */
  readonly negative_prompt?: string | undefined;
  /** The seed for the random number generator. A whole number from 0 to 4294967295. */
  readonly seed?: number | undefined;
  /** Whether to enable prompt expansion. Default true. */
  readonly enable_prompt_expansion?: boolean | undefined;
  /** Whether to enable the safety checker. Default true. */
  readonly enable_safety_checker?: boolean | undefined;
  /** The output type of the generated video. Default `X264 (.mp4)`. */
  readonly video_output_type?: 'X264 (.mp4)' | 'VP9 (.webm)' | 'PRORES4444 (.mov)' | 'GIF (.gif)' | undefined;
  /** The quality of the generated video. Default `high`. */
  readonly video_quality?: 'low' | 'medium' | 'high' | 'maximum' | undefined;
  /** The write mode of the generated video. Default `balanced`. */
  readonly video_write_mode?: 'fast' | 'balanced' | 'small' | undefined;
  /** The LoRAs to use for the generation. */
  readonly loras?:
    | readonly {
        /** Path or URL of a file, a hub repository, or the name of a LoRA that comes with the model. */
        readonly path: string;
        /**
         * Name of the LoRA weight. Only used if `path` is a HuggingFace repository, and is only required when the
         * repository contains multiple LoRA weights.
         */
        readonly weight_name?: string | undefined;
        /** Scale factor for LoRA application (0.0 to 4.0). A number from 0 to 4. Default 1. */
        readonly scale?: number | undefined;
      }[]
    | undefined;
  /** The strength of the image to use for the video generation. A number from 0 to 1. Default 1. */
  readonly image_strength?: number | undefined;
  /** The strength of the end image to use for the video generation. A number from 0 to 1. Default 1. */
  readonly end_image_strength?: number | undefined;
  /**
   * Audio conditioning strength. Values below 1.0 will allow the model to change the audio, while a value of exactly
   * 1.0 will use the input audio without modification. A number from 0 to 1. Default 1.
   */
  readonly audio_strength?: number | undefined;
  /** Whether to preprocess the audio before using it as conditioning. Default true. */
  readonly preprocess_audio?: boolean | undefined;
}

/** What a film should be. With `parts` it is a score, in which everything is decided. */
export interface FilmInput {
  /** Path or URL of the recording that drives the clip: any common sound or video file. */
  readonly audio_url: string;
  /**
   * What the film shows, over time: "0:00 a woman sings; 0:45 a sea at night". Every time begins a new scene, or, with
   * a plus sign after it, what the scene goes on with: "0:45 + she smiles".
   */
  readonly prompt?: string | undefined;
  /** The parts of a score, which take the place of prompt, cut, part_seconds and image_url. */
  readonly parts?:
    | readonly {
        /** Its first frame, counted from 0. A whole number from 0 to 216000. */
        readonly start: number;
        /** The frame after its last. A whole number from 0 to 216000. */
        readonly end: number;
        /** What it shows. */
        readonly prompt: string;
        /** The seed for the random number generator. A whole number from 0 to 4294967295. */
        readonly seed: number;
        /**
         * Whether it goes on from the last frames of the part before. Otherwise a new scene begins with it. Default true.
         */
        readonly continues?: boolean | undefined;
        /** Path or URL of a picture to use as the first frame of a new scene. */
        readonly image_url?: string | undefined;
        /** In place of those of the film. */
        readonly loras?:
          | readonly {
              /** Path or URL of a file, a hub repository, or the name of a LoRA that comes with the model. */
              readonly path: string;
              /**
               * Name of the LoRA weight. Only used if `path` is a HuggingFace repository, and is only required when the
               * repository contains multiple LoRA weights.
               */
              readonly weight_name?: string | undefined;
              /** Scale factor for LoRA application (0.0 to 4.0). A number from 0 to 4. Default 1. */
              readonly scale?: number | undefined;
            }[]
          | undefined;
        /** In place of that of the film. */
        readonly camera_lora?:
          | 'dolly_in'
          | 'dolly_out'
          | 'dolly_left'
          | 'dolly_right'
          | 'jib_up'
          | 'jib_down'
          | 'static'
          | 'none'
          | undefined;
        /** In place of that of the film. A number from 0 to 1. */
        readonly camera_lora_scale?: number | undefined;
        /**
         * It was made again: its end leads to the first frame of the part after it, which stays as it is. Default false.
         */
        readonly meets_next?: boolean | undefined;
      }[]
    | undefined;
  /** Where parts end: where it is quiet, on a beat, or after a fixed time. Default `quiet`. */
  readonly cut?: 'quiet' | 'beat' | 'every' | undefined;
  /** How long parts should be. Default: as long as the model can make them. A number from 0.2 to 481. */
  readonly part_seconds?: number | undefined;
  /**
   * What a part is shown of the one before: its last frame for 1, and 8 frames more for each further. A whole number
   * from 1 to 4. Default 2.
   */
  readonly overlap?: number | undefined;
  /** How firmly a part begins with what it is shown. A number from 0 to 1. Default 1. */
  readonly overlap_strength?: number | undefined;
  /** Path or URL of a picture that every part is shown, so that who and what is in the film stays the same. */
  readonly anchor_url?: string | undefined;
  /** How firmly the film keeps to the anchor. A number from 0 to 1. Default 1. */
  readonly anchor_strength?: number | undefined;
  /** Path or URL of a picture to use as the first frame. */
  readonly image_url?: string | undefined;
  /** The size of the generated video. Default `landscape_4_3`. */
  readonly video_size?:
    | {
        /**
         * The width of the generated image. Delivered are 64 to 2048 pixels. A whole number from 64 to 2048. Default 512.
         */
        readonly width?: number | undefined;
        /**
         * The height of the generated image. Delivered are 64 to 2048 pixels. A whole number from 64 to 2048. Default 512.
         */
        readonly height?: number | undefined;
      }
    | 'square_hd'
    | 'square'
    | 'portrait_4_3'
    | 'portrait_16_9'
    | 'landscape_4_3'
    | 'landscape_16_9'
    | undefined;
  /**
   * Whether to use multi-scale generation. If True, the model will generate the video at a smaller scale first, then
   * use the smaller video to guide the generation of a video at or above your requested size. This results in better
   * coherence and details. Default true.
   */
  readonly use_multiscale?: boolean | undefined;
  /** The frames per second of the generated video. A number from 1 to 60. Default 25. */
  readonly fps?: number | undefined;
  /** The acceleration level to use. Default `none`. */
  readonly acceleration?: 'none' | 'regular' | 'high' | 'full' | undefined;
  /**
   * The camera LoRA to use. This allows you to control the camera movement of the generated video more accurately than
   * just prompting the model to move the camera. Default `none`.
   */
  readonly camera_lora?:
    | 'dolly_in'
    | 'dolly_out'
    | 'dolly_left'
    | 'dolly_right'
    | 'jib_up'
    | 'jib_down'
    | 'static'
    | 'none'
    | undefined;
  /**
   * The scale of the camera LoRA to use. This allows you to control the camera movement of the generated video more
   * accurately than just prompting the model to move the camera. A number from 0 to 1. Default 1.
   */
  readonly camera_lora_scale?: number | undefined;
  /** The negative prompt to generate the video from. */
  readonly negative_prompt?: string | undefined;
  /** The seed for the random number generator. A whole number from 0 to 4294967295. */
  readonly seed?: number | undefined;
  /** Whether to enable prompt expansion. Every part is then described in other words. Default false. */
  readonly enable_prompt_expansion?: boolean | undefined;
  /** Whether to enable the safety checker. Default true. */
  readonly enable_safety_checker?: boolean | undefined;
  /** The output type of the generated video. Default `X264 (.mp4)`. */
  readonly video_output_type?: 'X264 (.mp4)' | 'VP9 (.webm)' | 'PRORES4444 (.mov)' | 'GIF (.gif)' | undefined;
  /** The quality of the generated video. Default `high`. */
  readonly video_quality?: 'low' | 'medium' | 'high' | 'maximum' | undefined;
  /** The write mode of the generated video. Default `balanced`. */
  readonly video_write_mode?: 'fast' | 'balanced' | 'small' | undefined;
  /** The LoRAs to use for the generation. Default . */
  readonly loras?:
    | readonly {
        /** Path or URL of a file, a hub repository, or the name of a LoRA that comes with the model. */
        readonly path: string;
        /**
         * Name of the LoRA weight. Only used if `path` is a HuggingFace repository, and is only required when the
         * repository contains multiple LoRA weights.
         */
        readonly weight_name?: string | undefined;
        /** Scale factor for LoRA application (0.0 to 4.0). A number from 0 to 4. Default 1. */
        readonly scale?: number | undefined;
      }[]
    | undefined;
  /** The strength of the image to use for the video generation. A number from 0 to 1. Default 1. */
  readonly image_strength?: number | undefined;
  /** Whether to preprocess the audio before using it as conditioning. Default true. */
  readonly preprocess_audio?: boolean | undefined;
}
