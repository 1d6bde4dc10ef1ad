import { fieldSchema } from './endpoints.ts';
import { installation } from './installation.ts';

/** The miniature is good for drawings in seconds, and at this size it makes them in few. */
export const miniatureSize = { width: 512, height: 384 } as const;

/** What a field says as long as nobody has chosen: the endpoint's default, unless this page proposes something else. */
export function defaultOf(name: string): unknown {
  return proposalFor(name) ?? fieldSchema(name).default;
}

/** What the page has to send because the endpoint's own default is another; undefined: nothing. */
export function proposalFor(name: string): unknown {
  return name === 'video_size' && installation.value?.model?.isMiniature === true ? miniatureSize : undefined;
}
