import type { Example } from './example-list.ts';

const files: Readonly<Record<string, string>> = import.meta.glob('./media/*', {
  eager: true,
  query: '?url',
  import: 'default',
});

/** Address of a file of an example: its recording, its clip, or a frame of the clip. */
export function exampleFile({ name }: Example, extension: 'mp3' | 'mp4' | 'jpg'): string {
  const path = files[`./media/${name}.${extension}`];
  if (path === undefined) throw new Error(`the page was built without ${name}.${extension}`);
  return new URL(path, document.baseURI).href;
}
