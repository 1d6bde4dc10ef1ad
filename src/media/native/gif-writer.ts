import type { VideoEncoderSettings } from '../video-settings.ts';
import type { EncodeFiles } from './encode-methods.ts';
import type { FrameWriter } from './frame-writer.ts';
export class GifWriter {
  static async open(_files: EncodeFiles, _settings: VideoEncoderSettings): Promise<FrameWriter> {
    throw new Error('todo');
  }
}
