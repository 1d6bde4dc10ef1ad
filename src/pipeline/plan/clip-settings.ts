import type { DeviceKind } from '../../graph/graph-target.ts';
import type { VideoOutputType, VideoQuality, VideoWriteMode } from '../../media/video-settings.ts';
import type { CameraMove } from '../../models/camera-moves.ts';
import type { Acceleration } from './acceleration.ts';

export interface LoraChoice {
  /** A `.safetensors` file. */
  readonly path: string;
  readonly scale: number;
  /** The request field to blame when the file is no LoRA for this model, e.g. `loras.0.path`. */
  readonly field?: string | undefined;
}

/** What a clip should be, in validated terms; files are local. Field names follow the endpoint's. */
export interface ClipSettings {
  readonly prompt: string;
  /** Let the text encoder's language model rewrite the prompt first. */
  readonly expandPrompt: boolean;
  readonly audio: string;
  readonly image?: string | undefined;
  readonly endImage?: string | undefined;
  readonly matchAudioLength: boolean;
  readonly numFrames: number;
  /** `auto`: the first image's size. */
  readonly videoSize: 'auto' | { readonly width: number; readonly height: number };
  readonly useMultiscale: boolean;
  readonly fps: number;
  readonly acceleration: Acceleration;
  readonly cameraLora?: { readonly move: CameraMove; readonly scale: number } | undefined;
  /** Undefined: plain sampling without guidance. */
  readonly negativePrompt?: string | undefined;
  readonly seed: number;
  readonly videoOutputType: VideoOutputType;
  readonly videoQuality: VideoQuality;
  readonly videoWriteMode: VideoWriteMode;
  readonly loras: readonly LoraChoice[];
  readonly imageStrength: number;
  readonly endImageStrength: number;
  readonly audioStrength: number;
  readonly preprocessAudio: boolean;
  readonly device: DeviceKind;
}
