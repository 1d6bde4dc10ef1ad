import { errorCode } from '../system-code.ts';

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'you may not use it',
  EDQUOT: 'your share of the disk is full',
  EEXIST: 'it, or a part of its path, is a file',
  EISDIR: 'it is a folder',
  ELOOP: 'its links lead in circles',
  ENAMETOOLONG: 'its name is too long',
  ENOENT: 'it does not exist',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of its path is a file',
  EPERM: 'you may not change it',
  EROFS: 'it is on a disk that cannot be written to',
};

/** What keeps the system from doing something with a file or folder, in words; undefined for any other error. */
export function fileTrouble(error: unknown): string | undefined {
  const code = errorCode(error);
  const isOfSystem = error instanceof Error && 'syscall' in error && error.syscall !== undefined;
  return code === undefined || !isOfSystem ? undefined : reasons[code];
}
