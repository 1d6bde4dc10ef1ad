import type { FilmPart } from '../../contract/film/film-schema.ts';
import { type DescribedVideo, describeVideo, type Output } from '../../contract/output.ts';
import type { FileStore } from '../../files/file-store.ts';
import { filePath } from '../../files/links/file-url.ts';
import type { MadeClip } from '../clip-maker.ts';
import { InlineOutput } from './inline-output.ts';

/** A clip's output as it is kept: the video is named by the file it is in, since every caller reaches us differently. */
export interface StoredOutput extends Omit<Output, 'video'> {
  readonly video: DescribedVideo & {
    /** Id of the file. */
    readonly file: string;
    /** Whether its bytes are part of the reply (`sync_mode`). */
    readonly inline: boolean;
  };
  /** Of a film. */
  readonly parts?: readonly FilmPart[] | undefined;
}

/** Describes a clip that is in the file `file`. */
export function storedOutput({ file: video, seed, prompt }: MadeClip, file: string, inline: boolean): StoredOutput {
  return { video: { file, inline, ...describeVideo(video) }, seed, prompt };
}

/** Whether what is kept of a completed request names a file; otherwise it is a reply as it stands. */
export function isStoredOutput(output: unknown): output is StoredOutput {
  if (typeof output !== 'object' || output === null || !('video' in output)) return false;
  const { video } = output;
  return typeof video === 'object' && video !== null && 'file' in video;
}

/**
 * The output as a caller gets it; undefined when its bytes are part of it and are gone.
 *
 * @param fileBase address of the file server, e.g. `https://host/cdn`
 */
export async function presentOutput(
  { video: { file: id, inline, ...video }, seed, prompt, parts }: StoredOutput,
  files: FileStore,
  fileBase: string,
): Promise<Output | InlineOutput | undefined> {
  const url = `${fileBase}${filePath({ id, name: video.file_name })}`;
  const output = { video: { url, ...video }, seed, prompt, ...(parts && { parts }) };
  if (!inline) return output;
  const file = await files.find(id);
  return file && new InlineOutput(output, file, files);
}
