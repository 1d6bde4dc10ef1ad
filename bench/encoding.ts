// Size, time and fidelity of every output type, quality and write mode, on a synthetic clip.
// Run: npx node bench/encoding.ts [filter]; prints the table of docs/encoding.md.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MediaService } from '../src/media/media-service.ts';
import { decodeVideoFrames } from '../src/media/native/decode/video-frames.ts';
import {
  type VideoOutputType,
  type VideoQuality,
  type VideoWriteMode,
  videoOutputTypes,
  videoQualities,
  videoWriteModes,
} from '../src/media/video-settings.ts';
import { elementAt } from '../src/shared/element-at.ts';

const width = 512;
const height = 384;
const fps = 24;
const seconds = 3;
const frameBytes = width * height * 3;

/** Drifting gradients, a moving disc with a sharp rim, fine stripes, and grain that changes with every frame. */
function drawClip(): Uint8Array {
  const clip = new Uint8Array(fps * seconds * frameBytes);
  let state = 1;
  const grain = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return ((state >>> 24) - 128) / 32;
  };
  for (let frame = 0, at = 0; frame < fps * seconds; frame++) {
    const time = frame / fps;
    const [discX, discY] = [width * (0.5 + 0.3 * Math.cos(2 * time)), height * (0.5 + 0.3 * Math.sin(3 * time))];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const stripes = y > height * 0.8 ? 40 * Math.sign(Math.sin((x + 60 * time) / 3)) : 0;
        const inDisc = (x - discX) ** 2 + (y - discY) ** 2 < 3600;
        const light = 110 + 60 * Math.sin(x / 90 + time) + 40 * Math.cos(y / 70 - time) + stripes + grain();
        clip[at++] = clamp(inDisc ? 230 : light + 30 * Math.sin(y / 40));
        clip[at++] = clamp(inDisc ? 80 + (x - discX) : light);
        clip[at++] = clamp(inDisc ? 60 : light + 50 * Math.cos(x / 120 + 2 * time));
      }
    }
  }
  return clip;
}

function clamp(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value)));
}

/** Against the frame that the clip shows at that time; GIF leaves frames out. */
async function measurePsnr(path: string, clip: Uint8Array): Promise<number> {
  let squares = 0;
  let count = 0;
  for await (const { time, rgb } of decodeVideoFrames(path)) {
    const frame = Math.min(fps * seconds - 1, Math.ceil(time * fps - 0.13));
    const offset = frame * frameBytes;
    for (let index = 0; index < frameBytes; index++) {
      const difference = elementAt(rgb, index) - elementAt(clip, offset + index);
      squares += difference * difference;
    }
    count += frameBytes;
  }
  return 10 * Math.log10((255 * 255 * count) / squares);
}

async function measure(media: MediaService, clip: Uint8Array, folder: string, cell: Cell): Promise<string> {
  const path = join(folder, 'clip');
  const started = performance.now();
  await using encoder = await media.openEncoder({ path, ...cell, width, height, fps });
  const opened = performance.now();
  const batch = 8 * frameBytes;
  for (let offset = 0; offset < clip.length; offset += batch)
    await encoder.write(clip.subarray(offset, offset + batch));
  const file = await encoder.finish();
  const time = (performance.now() - opened) / 1000;
  const psnr = await measurePsnr(path, clip);
  await rm(path);
  const cells = [cell.type, cell.quality, cell.writeMode, Math.round(file.fileSize / 1000), time.toFixed(2)];
  console.error(...cells, psnr.toFixed(1), `start ${Math.round(opened - started)} ms`);
  return `| ${cells.join(' | ')} | ${psnr.toFixed(1)} |`;
}

interface Cell {
  readonly type: VideoOutputType;
  readonly quality: VideoQuality;
  readonly writeMode: VideoWriteMode;
}

const filter = process.argv[2] ?? '';
const folder = await mkdtemp(join(tmpdir(), 'soundstage-encoding-'));
try {
  await using media = new MediaService();
  const clip = drawClip();
  console.log('| type | quality | write mode | kB | s | PSNR dB |\n|---|---|---|--:|--:|--:|');
  for (const type of videoOutputTypes.filter((name) => name.includes(filter))) {
    for (const writeMode of videoWriteModes) {
      for (const quality of videoQualities) {
        console.log(await measure(media, clip, folder, { type, quality, writeMode }));
      }
    }
  }
} finally {
  await rm(folder, { recursive: true });
}
