// Made from the schema of the endpoint by scripts/write-clip-input.ts.

/** What a clip should be: the input of the endpoint, with paths of files instead of their URLs. */
export interface ClipInput {
  /** The prompt to generate the video from. */
  readonly prompt: string;
  /** Path of the recording that drives the clip: any common sound or video file. */
  readonly audio_url: string;
  /** Path of a picture to use as the first frame. */
  readonly image_url?: string | undefined;
  /** Path of a picture to use as the last frame. */
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
        /** Path of a file, or the name of a LoRA that comes with the model. */
        readonly path: string;
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
