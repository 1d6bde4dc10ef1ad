import { getExtension } from 'hono/utils/mime';
import { z } from 'zod';
import type { Lifecycle } from '../../../database/json-columns.ts';
import { safeContentType } from '../../../files/content-type.ts';
import { parseLifecycle } from '../../../files/lifecycle.ts';
import type { NewFile } from '../../../files/stored-file.ts';
import type { AppContext } from '../../app-env.ts';
import type { Bodies } from '../../bodies/bodies.ts';
import { checked } from '../../bodies/validation.ts';

/** @throws RefusedBody where the body is not JSON or does not fit `schema` */
export async function readBody<Value>(c: AppContext, bodies: Bodies, schema: z.ZodType<Value>): Promise<Value> {
  return checked(schema, await bodies.json(c));
}

const description = z.object({ content_type: z.string().nullish(), file_name: z.string().nullish() });

/** A file to come, as the body of an `initiate` call describes it. */
export async function describedByBody(c: AppContext, bodies: Bodies): Promise<NewFile> {
  const { content_type: type, file_name: name } = await readBody(c, bodies, description);
  return newFile(c, c.var.caller.owner, type, name);
}

/** A file whose bytes come with the request, as its headers describe it. */
export function describedByHeaders(c: AppContext, owner: string): NewFile {
  return newFile(c, owner, c.req.header('content-type'), headerText(c.req.header('x-fal-file-name')));
}

function newFile(
  c: AppContext,
  owner: string,
  type: string | null | undefined,
  name: string | null | undefined,
): NewFile {
  const contentType = safeContentType(type);
  const given = name?.trim() ?? '';
  return { owner, contentType, name: given === '' ? defaultName(contentType) : given, lifecycle: lifecycleOf(c) };
}

function lifecycleOf(c: AppContext): Lifecycle | undefined {
  const text = c.req.header('x-fal-object-lifecycle') ?? c.req.header('x-fal-object-lifecycle-preference') ?? '';
  return text.trim() === '' ? undefined : parseLifecycle(text);
}

function defaultName(contentType: string): string {
  return `file.${getExtension(contentType) ?? 'bin'}`;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Headers arrive as Latin-1; those who send other names mean UTF-8. */
function headerText(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  try {
    return utf8.decode(Buffer.from(value, 'latin1'));
  } catch (error) {
    if (error instanceof TypeError) return value;
    throw error;
  }
}

const partList = z.object({
  parts: z.array(z.object({ partNumber: z.number().int(), etag: z.string().max(200) })).max(10_000),
});

/** The body of a `complete` call. */
export type PartList = z.infer<typeof partList>;

export function readPartList(c: AppContext, bodies: Bodies): Promise<PartList> {
  return readBody(c, bodies, partList);
}
