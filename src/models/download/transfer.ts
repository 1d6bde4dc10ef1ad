/** `waiting`: another process fetches the file. `checking`: bytes on disk are hashed. */
export type FileState = 'queued' | 'waiting' | 'checking' | 'downloading' | 'done';

export interface FileProgress {
  readonly name: string;
  readonly bytes: number;
  readonly total: number;
  readonly state: FileState;
}

export interface TransferProgress {
  readonly files: readonly FileProgress[];
  readonly bytes: number;
  readonly total: number;
}

export interface TransferRow {
  update(state: FileState, bytes?: number): void;
}

interface CountedFile extends FileProgress {
  bytes: number;
  state: FileState;
}

/** Adds up the progress of several files. */
export class Transfer implements TransferProgress {
  readonly #files: CountedFile[] = [];
  readonly #onProgress: ((progress: TransferProgress) => void) | undefined;

  constructor(onProgress?: (progress: TransferProgress) => void) {
    this.#onProgress = onProgress;
  }

  get files(): readonly FileProgress[] {
    return this.#files;
  }

  get bytes(): number {
    return this.#files.reduce((sum, file) => sum + file.bytes, 0);
  }

  get total(): number {
    return this.#files.reduce((sum, file) => sum + file.total, 0);
  }

  /** @param bytes already on disk */
  add(name: string, total: number, bytes = 0): TransferRow {
    const file: CountedFile = { name, bytes, total, state: 'queued' };
    this.#files.push(file);
    return {
      update: (state, here = file.bytes) => {
        file.state = state;
        file.bytes = here;
        this.#onProgress?.(this);
      },
    };
  }
}
