// Renews the examples of the page in web/src/examples/media: the recordings, what the miniature makes of them, and a frame of each;
// and the moving picture of the README. Needs espeak-ng and ffmpeg; a clip takes a minute.
// `node scripts/write-examples.ts --picture` renews the moving picture alone, from the clips there are.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exampleList, exampleSize } from '../web/src/examples/example-list.ts';
import { drums, melody, sampleRate } from './example-sounds.ts';

const root = join(import.meta.dirname, '..');
const media = join(root, 'web/src/examples/media');
/** Small, and clear enough. */
const mp3 = ['-codec:a', 'libmp3lame', '-b:a', '48k', '-ar', String(sampleRate), '-ac', '1'];
const folder = mkdtempSync(join(tmpdir(), 'soundstage-examples-'));

/** Flags of espeak-ng, and what it says. */
const speech: Readonly<Record<string, readonly string[]>> = {
  voice: [
    '-v',
    'en-us+f3',
    '-s',
    '150',
    '-p',
    '55',
    'Hello! Give me a recording and a sentence, and I will draw you a clip.',
  ],
  child: ['-v', 'en-gb+f4', '-s', '155', '-p', '62', 'I am a very small model, and I move my lips to my own voice.'],
};
const music: Readonly<Record<string, () => Float32Array>> = { drums, melody };

const isPictureAlone = process.argv.includes('--picture');
try {
  for (const { name, prompt, settings } of isPictureAlone ? [] : exampleList) {
    const [sound, clip] = [join(media, `${name}.mp3`), join(media, `${name}.mp4`)];
    record(name, sound);
    const size = `${exampleSize.width}x${exampleSize.height}`;
    const flags = ['--audio', sound, '--prompt', prompt, '--seed', String(settings.seed), '--video-size', size];
    const main = join(root, 'src/main.ts');
    execFileSync(process.execPath, [main, 'generate', ...flags, '--output', clip], { stdio: 'inherit' });
    ffmpeg('-ss', '0.6', '-i', clip, '-frames:v', '1', '-vf', 'scale=256:192', '-q:v', '6', join(media, `${name}.jpg`));
  }
  writeMovingPicture(join(root, 'docs/images/examples.webp'));
} finally {
  rmSync(folder, { recursive: true });
}

function record(name: string, sound: string): void {
  const raw = join(folder, `${name}.raw`);
  const spoken = speech[name];
  if (spoken === undefined) {
    const samples = music[name]?.();
    if (samples === undefined) throw new Error(`nobody knows what ${name} sounds like`);
    writeFileSync(raw, samples);
    ffmpeg('-f', 'f32le', '-ar', String(sampleRate), '-ac', '1', '-i', raw, ...mp3, sound);
  } else {
    execFileSync('espeak-ng', ['-w', raw, ...spoken]);
    ffmpeg('-i', raw, '-af', 'loudnorm=I=-17', ...mp3, sound);
  }
}

/** The examples side by side, each above the wave of its recording with a mark where it is being played. */
function writeMovingPicture(output: string): void {
  const seconds = 4;
  const [width, height, waveHeight] = [208, 156, 44];
  const plain = (color: string, size: string): string => `color=c=${color}:s=${size}:r=12.5:d=${seconds}`;
  const columns = exampleList.map((_, index) =>
    [
      `[${index}:v]fps=12.5,scale=${width}:${height}:flags=lanczos[clip${index}]`,
      `[${index}:a]aformat=channel_layouts=mono,showwavespic=s=${width}x${waveHeight}:colors=0x4f46e5:scale=sqrt[wave${index}]`,
      `${plain('0xececff', `${width}x${waveHeight}`)}[ground${index}]`,
      `${plain('0xd92d20', `2x${waveHeight}`)}[mark${index}]`,
      `[ground${index}][wave${index}]overlay[still${index}]`,
      `[still${index}][mark${index}]overlay=x='(W-2)*t/${seconds}'[sound${index}]`,
      `[clip${index}][sound${index}]vstack[column${index}]`,
    ].join(';'),
  );
  const row = exampleList.map((_, index) => `[column${index}]`).join('');
  const clips = exampleList.flatMap(({ name }) => ['-t', String(seconds), '-i', join(media, `${name}.mp4`)]);
  const filter = `${columns.join(';')};${row}hstack=inputs=${exampleList.length}[picture]`;
  const webp = ['-codec:v', 'libwebp_anim', '-quality', '60', '-compression_level', '6', '-loop', '0'];
  ffmpeg(...clips, '-filter_complex', filter, '-map', '[picture]', '-t', String(seconds), ...webp, output);
}

function ffmpeg(...flags: readonly string[]): void {
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...flags]);
}
