import { promptSpellings } from './prompt-text.ts';
import * as vocabulary from './prompt-vocabulary.ts';

/** A whole word or phrase; letters of any script end it. */
function phrases(patterns: readonly string[]): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}])(?:${patterns.join('|')})(?![\\p{L}\\p{N}])`, 'gu');
}

const innocent = phrases(vocabulary.innocentPhrases);
const notMinors = phrases(vocabulary.notMinors);
const minors = phrases(vocabulary.minors);
const suggestive = phrases(vocabulary.suggestive);
const sexual = phrases(vocabulary.sexual);
const sexualWithoutSpaces = new RegExp(vocabulary.sexualWithoutSpaces.join('|'), 'u');
const sexualViolence = phrases(vocabulary.sexualViolence);
const gore = phrases(vocabulary.gore);
const bloody = phrases(vocabulary.bloody);

/**
 * What a prompt asks for that is refused, in words for the user; undefined if nothing was found. These are rules over
 * words and their company, not a model: they catch what is said plainly in English, and some of it in a few other
 * languages, and nothing that is paraphrased.
 */
export function findRefusedContent(prompt: string): string | undefined {
  for (const spelling of promptSpellings(prompt)) {
    // Told from all of the prompt, since an innocent phrase may be about them.
    const hasMinors = has(spelling.replace(notMinors, ' '), minors);
    const found = findIn(spelling.replace(innocent, ' '), hasMinors);
    if (found !== undefined) return found;
  }
  return undefined;
}

function findIn(text: string, hasMinors: boolean): string | undefined {
  const isSexual = has(text, sexual) || sexualWithoutSpaces.test(text);
  const hints = distinct(text, suggestive);
  if (hasMinors && (isSexual || hints > 0)) return 'sexual content with minors';
  if (has(text, sexualViolence)) return 'sexual violence';
  if (isSexual || hints > 1) return 'sexual content';
  if (has(text, gore) || distinct(text, bloody) > 1) return 'graphic violence';
  return undefined;
}

function has(text: string, pattern: RegExp): boolean {
  return text.search(pattern) !== -1;
}

function distinct(text: string, pattern: RegExp): number {
  return new Set(text.match(pattern)).size;
}
