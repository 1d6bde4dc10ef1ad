import type { FindOwnFile } from '../../fetching/own-file.ts';
import type { FileStore } from '../../files/file-store.ts';
import { SoundstageError } from '../../shared/errors.ts';
import type { ClipRequest } from '../clip-maker.ts';

/** Finds the files of this server that a request names by their address, as far as its owner may read them. */
export function ownFilesOf({ owner, caller }: ClipRequest, files: FileStore): FindOwnFile {
  return async (url) => {
    const opened = await files.openUrl(url, { ownHosts: caller.ownHosts, user: owner });
    if (opened === undefined) return undefined;
    opened.stream.destroy();
    const { id, etag, size } = opened.file;
    const open = async (): Promise<AsyncIterable<Uint8Array>> => {
      const again = await files.open(id);
      if (again !== undefined) return again.stream;
      throw new SoundstageError('input', `the file ${id} has just expired: upload it again`, {
        type: 'file_download_error',
      });
    };
    return { identity: `${id}-${etag}`, size, open };
  };
}
