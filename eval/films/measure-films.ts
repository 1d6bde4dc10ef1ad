// How films hold together: the seams between parts, and whether what a film shows stays what it was.
// Usage: node eval/films/measure-films.ts [--films 8] [--parts 6]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { textTable } from '../../src/cli/text-table.ts';
import { parseFilm } from '../../src/contract/film/read-film.ts';
import { type FilmStudio, makeFilm } from '../../src/film/make-film.ts';
import { MediaService } from '../../src/media/media-service.ts';
import { decodeVideoFrames } from '../../src/media/native/decode/video-frames.ts';
import { resolveWeights } from '../../src/models/resolve-weights.ts';
import { Engine } from '../../src/pipeline/engine/engine.ts';
import { elementAt } from '../../src/shared/element-at.ts';
import type { Picture } from '../footage.ts';
import { askedAttributes } from '../measures/attributes/asked-attributes.ts';
import { soundRate } from '../measures/motion/loudness.ts';
import { mean } from '../measures/motion/series.ts';
import { psnr } from '../measures/picture-difference.ts';
import { SeededRandom } from '../seeded-random.ts';
import { monoSound } from '../sounds/mono-sound.ts';
import { speakTo } from '../sounds/spoken-sentences.ts';
import { writeWav } from '../sounds/wav-file.ts';
import { promptFor } from '../world/prompt.ts';
import { randomScene, type Scene } from '../world/scene.ts';
import { seamMeasures } from './seam-measures.ts';

const { values } = parseArgs({ options: { films: { type: 'string' }, parts: { type: 'string' } } });
const [films, parts] = [Number(values.films ?? 8), Number(values.parts ?? 6)];
const [fps, length, side] = [24, 32, 256];
const kinds = ['speaker', 'sea', 'shapes', 'skyline'] as const;

interface Way {
  readonly name: string;
  readonly overlap: number;
  readonly continues: boolean;
  /** Whether all parts are shown the middle of the first. */
  readonly hasAnchor: boolean;
}

const plain = { continues: true, hasAnchor: false };
const ways: readonly Way[] = [
  { name: 'hard cuts', overlap: 1, continues: false, hasAnchor: false },
  ...[1, 2, 3].map((overlap) => ({ ...plain, name: `overlap ${overlap}`, overlap })),
  ...[1, 2, 3].map((overlap) => ({ ...plain, name: `overlap ${overlap}, anchor`, overlap, hasAnchor: true })),
];

interface FilmMeasures {
  readonly likeness: number;
  readonly likenessWithin: number;
  readonly jolt: number;
  /** Of each part, the share of what the prompt asked for that it shows. */
  readonly shown: readonly number[];
  /** Of each part, the PSNR of its frames to the middle of the first part of a film without an anchor. */
  readonly kept: readonly number[];
}

await using stack = new AsyncDisposableStack();
const folder = await mkdtemp(join(tmpdir(), 'soundstage-films-'));
stack.defer(() => rm(folder, { recursive: true }));
const services = { media: stack.use(new MediaService()), engine: stack.use(new Engine()) };
const studio: FilmStudio = {
  model: 'nano',
  weights: await resolveWeights('nano'),
  device: { device: 'cpu', memory: undefined, notes: [] },
  services,
  inspector: undefined,
  files: async ({ audio_url: audio }) => ({ files: { audio, loras: [] }, [Symbol.asyncDispose]: async () => {} }),
};

const measured = new Map<string, FilmMeasures[]>(ways.map(({ name }) => [name, []]));
for (let film = 0; film < films; film++) {
  const random = new SeededRandom(film + 1);
  const scene = randomScene(elementAt(kinds, film % kinds.length), random);
  const prompt = promptFor(scene, random);
  const audio = join(folder, `speech-${film}.wav`);
  await speakTo(audio, (parts * length) / fps, random);
  const spoken = await monoSound(services.media, audio);
  await writeWav(audio, spoken.subarray(0, Math.round(((parts * length) / fps) * soundRate)));
  let anchor: string | undefined;
  let first: Picture | undefined;
  for (const way of ways) {
    const frames = await framesOf(way, { audio, prompt, seed: film * 1000, anchor });
    first ??= elementAt(frames, length / 2);
    anchor ??= await picture(first, join(folder, `anchor-${film}.png`));
    measured.get(way.name)?.push(measuresOf(frames, scene, first));
    process.stderr.write(`film ${film + 1} of ${films}: ${way.name}\n`);
  }
}
process.stdout.write(
  textTable([['', 'likeness', 'within', 'jolt', 'shown by part', 'kept by part'], ...ways.map(rowOf)]),
);

interface Take {
  readonly audio: string;
  readonly prompt: string;
  readonly seed: number;
  readonly anchor: string | undefined;
}

async function framesOf(
  { overlap, continues, hasAnchor }: Way,
  { audio, prompt, seed, anchor }: Take,
): Promise<Picture[]> {
  const all = Array.from({ length: parts }, (_, index) => ({
    start: index * length,
    end: (index + 1) * length,
    prompt,
    seed: seed + index,
    continues: continues && index > 0,
  }));
  const size = { width: side, height: side };
  const input = parseFilm({
    audio_url: audio,
    parts: all,
    overlap,
    fps,
    seed,
    video_size: size,
    video_write_mode: 'fast',
  });
  const where = { output: join(folder, 'film.mp4'), folder: join(folder, 'parts') };
  const files = { audio, anchor: hasAnchor ? anchor : undefined };
  await makeFilm(input, files, studio, where);
  const frames: Picture[] = [];
  for (let index = 0; index < parts; index++) {
    const path = join(where.folder, `part-${String(index + 1).padStart(4, '0')}.mkv`);
    for await (const frame of decodeVideoFrames(path)) frames.push(frame);
  }
  return frames;
}

async function picture({ width, height, rgb }: Picture, path: string): Promise<string> {
  await sharp(rgb, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(path);
  return path;
}

function measuresOf(frames: readonly Picture[], scene: Scene, first: Picture): FilmMeasures {
  const each = Array.from({ length: parts }, (_, index) => frames.slice(index * length, (index + 1) * length));
  return {
    ...seamMeasures(
      frames,
      each.map((_, index) => index * length),
    ),
    shown: each.map((own) => mean(askedAttributes(scene, { fps, frames: own }).map(({ met }) => Number(met)))),
    kept: each.map((own) => mean(own.map((frame) => psnr(frame, first)))),
  };
}

function rowOf({ name }: Way): string[] {
  const all = measured.get(name) ?? [];
  const over = (of: (film: FilmMeasures) => number, digits: number): string => mean(all.map(of)).toFixed(digits);
  const byPart = (of: (film: FilmMeasures, part: number) => number, digits: number): string =>
    Array.from({ length: parts }, (_, part) => over((film) => of(film, part), digits)).join(' ');
  return [
    name,
    over((film) => film.likeness, 1),
    over((film) => film.likenessWithin, 1),
    over((film) => film.jolt, 2),
    byPart((film, part) => 100 * elementAt(film.shown, part), 0),
    byPart((film, part) => elementAt(film.kept, part), 1),
  ];
}
