import type { AppContext } from '../app-env.ts';
import { badRequest } from '../replies.ts';

/** A list, given several times or with commas between its items. */
export function listQuery(c: AppContext, name: string): readonly string[] {
  const given = (c.req.queries(name) ?? []).flatMap((text) => text.split(','));
  return given.map((item) => item.trim()).filter((item) => item !== '');
}

/** @throws SoundstageError `input`, type `bad_request` */
export function numberQuery(c: AppContext, name: string, least: number, most: number): number | undefined {
  const text = c.req.query(name);
  if (text === undefined || text === '') return undefined;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw badRequest(`${name} must be a whole number from ${least} to ${most}`, name);
}

/** @throws SoundstageError `input`, type `bad_request` */
export function dateQuery(c: AppContext, name: string): Date | undefined {
  const text = c.req.query(name);
  if (text === undefined || text === '') return undefined;
  const date = new Date(text);
  const year = date.getUTCFullYear();
  if (/^\d{4}-\d\d-\d\d/.test(text) && year >= 1970 && year <= 9999) return date;
  throw badRequest(`${name} must be a date like 2026-03-04T05:06:07Z`, name);
}

/** @throws SoundstageError `input`, type `bad_request` */
export function choiceQuery<Choice extends string>(
  c: AppContext,
  name: string,
  choices: readonly Choice[],
): Choice | undefined {
  const text = c.req.query(name);
  if (text === undefined || text === '') return undefined;
  const choice = choices.find((known) => known === text);
  if (choice !== undefined) return choice;
  throw badRequest(`${name} must be one of ${choices.join(', ')}`, name);
}
