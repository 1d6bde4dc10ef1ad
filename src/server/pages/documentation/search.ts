import type { Document } from './documents.ts';
import type { Section } from './markdown.ts';

export interface Hit {
  readonly document: Document;
  readonly section: Section;
  /** Some of the text around what was found. */
  readonly excerpt: string;
}

const mostHits = 30;
const mostWords = 10;
/** Characters of an excerpt, and how many of them come before what was found. */
const excerptLength = 220;
const excerptLead = 60;

/** The words that are looked for, in small letters. */
export function wordsOf(query: string): readonly string[] {
  return query.toLowerCase().split(/\s+/).filter(Boolean).slice(0, mostWords);
}

/** The sections that have every word, best first: where headings have them, then where they come early. */
export function search(documents: readonly Document[], query: string): readonly Hit[] {
  const words = wordsOf(query);
  if (words.length === 0) return [];
  const found = documents.flatMap((document) =>
    document.sections.flatMap((section) => {
      const heading = `${document.title} ${section.heading}`.toLowerCase();
      const text = section.text.toLowerCase();
      if (!words.every((word) => heading.includes(word) || text.includes(word))) return [];
      const inHeading = words.filter((word) => section.heading.toLowerCase().includes(word)).length;
      const inTitle = words.filter((word) => document.title.toLowerCase().includes(word)).length;
      const times = words.reduce((sum, word) => sum + Math.min(5, text.split(word).length - 1), 0);
      return [
        { document, section, excerpt: excerptOf(section.text, words), score: inHeading * 20 + inTitle * 10 + times },
      ];
    }),
  );
  return found.toSorted((one, other) => other.score - one.score).slice(0, mostHits);
}

function excerptOf(text: string, words: readonly string[]): string {
  const places = words.map((word) => text.toLowerCase().indexOf(word)).filter((place) => place >= 0);
  const start = Math.max(0, Math.min(...places, text.length) - excerptLead);
  const from = places.length === 0 ? 0 : start;
  const end = from + excerptLength;
  return `${from > 0 ? '… ' : ''}${text.slice(from, end)}${end < text.length ? ' …' : ''}`;
}
