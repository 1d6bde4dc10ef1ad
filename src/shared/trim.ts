/** White space, controls and invisible marks: what comes along when an address is copied from a page or a document. */
const surrounding = /[\s\p{Cc}\p{Cf}]/u;

/** An address or a name without white space and invisible characters at its ends. An expression would be slow on long texts. */
export function trimInvisible(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && surrounding.test(text.charAt(start))) start++;
  while (end > start && surrounding.test(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}
