/** Latin letters by what else looks like them: Cyrillic and Greek. */
const lookalikes = new Map([...paired('аеорсухіјѕһԁԛԝ', 'aeopcyxijshdqw'), ...paired('αοενρτυικχ', 'aoevptuikx')]);

/** Letters by the digits and signs written for them. */
const substitutes = new Map(paired('013457@$!', 'oieastasi'));

/** Three letters or more that stand alone, one after the other. */
const lettersApart = /(?<!\p{L})\p{L}(?:[ ._*-]\p{L}){2,}(?!\p{L})/gu;

/**
 * A prompt in the spellings that rules look at: lower case, without accents, invisible characters and foreign letters
 * among Latin ones; then with digits read as letters, and with letters that stand alone joined.
 */
export function promptSpellings(prompt: string): readonly string[] {
  const plain = prompt
    .normalize('NFKD')
    .replace(/[\u0300-\u036f\u00ad\u200b-\u200f\u2060\ufeff]/gu, '')
    // Composed again, since decomposition also takes Korean and Japanese letters apart.
    .normalize('NFC')
    .toLowerCase()
    .replace(/[\p{L}\p{N}]+/gu, unmixed)
    .replace(/\s+/gu, ' ');
  const decoded = plain.replace(/[\p{L}\p{N}@$!]+/gu, (word) =>
    /\p{L}/u.test(word) ? word.replace(/[013457@$]|!(?=\p{L})/gu, (sign) => substitutes.get(sign) ?? sign) : word,
  );
  const join = (letters: string): string => letters.replace(/[ ._*-]/gu, '');
  const joined = plain.replace(lettersApart, join);
  // An article may stand before them.
  const joinedBehindArticle = plain.replace(lettersApart, (letters) => letters.slice(0, 2) + join(letters.slice(2)));
  return [...new Set([plain, decoded, joined, joinedBehindArticle])];
}

/** Each character with the one at its place in the other text. */
function paired(from: string, to: string): readonly (readonly [string, string])[] {
  return Array.from(from, (letter, index) => [letter, to.charAt(index)]);
}

/** A word that mixes Latin with letters that look like it, in Latin letters; any other word as it is. */
function unmixed(word: string): string {
  if (!/[a-z]/u.test(word) || !/[\p{Script=Cyrillic}\p{Script=Greek}]/u.test(word)) return word;
  return Array.from(word, (letter) => lookalikes.get(letter) ?? letter).join('');
}
