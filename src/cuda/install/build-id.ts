const pattern = /git-commit-id=([0-9a-f]{7,40})/;
/** Longer than what the pattern matches, so that no piece ends inside of it unseen. */
const overlap = 100;

/** The commit that a native library of the runtime was built from, which it has among its strings; undefined where it has none. */
export async function buildId(library: AsyncIterable<Buffer>): Promise<string | undefined> {
  let rest = '';
  for await (const chunk of library) {
    const text = rest + chunk.toString('latin1');
    const [, commit] = pattern.exec(text) ?? [];
    if (commit !== undefined) return commit;
    rest = text.slice(-overlap);
  }
  return undefined;
}
