/**
 * An absolute path where a sentence may have one: at its beginning, or after a space, quote or bracket. A space belongs
 * to it when a later part of the same path follows.
 */
const absolutePath =
  /(^|[\s"'`(=])(?:file:\/\/|[A-Za-z]:(?=[\\/]))?[\\/](?:[^\s"'`]|[ ](?=[^\s"'`:]*[^\s"'`:/\\][\\/]))+/g;

/** A message without the server's file names; addresses stay. */
export function redactPaths(message: string): string {
  return message.replace(absolutePath, (match, before: string) => {
    const path = match.slice(before.length);
    if (!/[\\/][^\\/\s]/.test(path)) return match;
    return `${before}[path]${/[.,:;)]+$/.exec(path)?.[0] ?? ''}`;
  });
}
