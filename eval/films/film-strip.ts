// A strip of pictures from a film, evenly spaced.
// Usage: node eval/films/film-strip.ts film.mp4 strip.png [pictures]
import { writeFile } from 'node:fs/promises';
import { decodeVideoFrames } from '../../src/media/native/decode/video-frames.ts';
import { contactSheet } from '../contact-sheet.ts';
import { spacedFrames } from '../footage.ts';

const [film, strip, count = '12'] = process.argv.slice(2);
if (film === undefined || strip === undefined) throw new Error('name the film and the picture');
const frames = await Array.fromAsync(decodeVideoFrames(film));
// Between the ends of equal stretches, so that no picture falls on a cut.
const pictures = spacedFrames({ fps: 1, frames }, 2 * Number(count) + 1).filter((_, index) => index % 2 === 1);
await writeFile(strip, await contactSheet([pictures]));
