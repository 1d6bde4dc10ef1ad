import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import sharp from 'sharp';
import { audioToVideoLora } from '../../contract/endpoints/audio-to-video-lora.ts';
import { type InputWithLoras as Input, parseInput } from '../../contract/input/input.ts';
import { LocalFirst } from '../../local/local-first.ts';
import { makeClip, openChecker, temporaryFolder } from '../../local/make-clip.ts';
import { withOutputType } from '../../local/output-type.ts';
import { MediaService } from '../../media/media-service.ts';
import { videoFormat } from '../../media/video-settings.ts';
import { chooseDevice } from '../../pipeline/choose-device.ts';
import { Engine } from '../../pipeline/engine/engine.ts';
import type { Preview } from '../../pipeline/engine/engine-messages.ts';
import type { Clip, ClipServices } from '../../pipeline/generate-clip.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { Lazy } from '../../shared/lazy.ts';
import { reporting } from '../reporting.ts';
import { clipReport, clipSummary } from './clip-report.ts';
import { inWordsOfFlags, withFlags } from './flag-words.ts';
import { generateBatch } from './generate-batch.ts';
import { addGenerateFlags, type GenerateFlags, requestFields } from './generate-flags.ts';
import { GenerationDisplay } from './generation-display.ts';
import { addModelFlags, type ModelFlags } from './model-flags.ts';

interface CommandFlags extends ModelFlags {
  readonly output?: string;
  readonly batch?: string;
  readonly preview?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/**
 * `soundstage generate`: makes one clip.
 *
 * @param services to use instead of its own; their owner ends them
 */
export function generateCommand(services?: ClipServices): Command {
  const command = new Command('generate').description('make a clip from a recording and a prompt');
  return addModelFlags(addGenerateFlags(command))
    .option('-o, --output <file>', 'where the clip goes (default: clip with the extension of the output type)')
    .option(
      '--batch <jobs.jsonl>',
      'make a clip of every line, an input of the endpoint as JSON; other flags say what lines leave open, --output names a folder (default: clips)',
    )
    .option('--preview <file.png>', 'keep a small picture of the clip as it takes shape in this file')
    .option('--json', 'print the result as JSON, errors too')
    .option('--quiet', 'no progress')
    .action((flags: GenerateFlags & CommandFlags) =>
      reporting(process.stderr, (signal) => run({ flags, signal, services }), flags),
    );
}

interface CommandRun {
  readonly flags: GenerateFlags & CommandFlags;
  readonly signal: AbortSignal;
  readonly services: ClipServices | undefined;
}

async function run(command: CommandRun): Promise<void> {
  const { flags, signal } = command;
  const { batch } = flags;
  if (batch !== undefined) {
    const exitCode = await generateBatch({ ...flags, batch }, signal);
    if (exitCode !== 0) process.exitCode = exitCode;
    return;
  }
  const fields = requestFields(flags);
  try {
    await runWith(parseInput(withOutputType(fields, flags.output), audioToVideoLora), command);
  } catch (error) {
    throw inWordsOfFlags(error, fields);
  }
}

async function runWith(input: Input, command: CommandRun): Promise<void> {
  const { flags } = command;
  if (!input.sync_mode) {
    const clip = await make(input, resolve(flags.output ?? defaultName(input)), command);
    process.stdout.write(flags.json ? json(clip, clip.file.path) : clipSummary(clip));
    return;
  }
  if (flags.output !== undefined) {
    throw new SoundstageError('input', 'sync_mode leaves no file, so leave --output out', { field: 'output' });
  }
  await using folder = await temporaryFolder();
  const clip = await make(input, join(folder.path, defaultName(input)), command);
  const bytes = await readFile(clip.file.path);
  process.stdout.write(json(clip, `data:${clip.file.contentType};base64,${bytes.toString('base64')}`));
}

async function make(input: Input, output: string, { flags, signal, services }: CommandRun): Promise<Clip> {
  const { preview, model, gpuMemory, precision } = flags;
  using display = new GenerationDisplay(process.stderr, flags.quiet ?? false);
  await using own = new AsyncDisposableStack();
  const studio = {
    model,
    device: new Lazy(() => chooseDevice(flags.device, { signal, gpuMemory, precision })),
    services: services ?? { media: own.use(new MediaService()), engine: own.use(new Engine()) },
    checker: own.use(openChecker()),
    names: own.use(new LocalFirst()),
  };
  const clip = await makeClip(input, studio, {
    output,
    signal,
    onProgress: ({ phase, step, steps, fraction, seconds }) => {
      const secondsLeft = fraction > 0.02 ? (seconds / fraction) * (1 - fraction) : undefined;
      display.update({ phase, place: ` ${step}/${steps}`, fraction, secondsLeft });
    },
    onNote: (note) => display.note(withFlags(note)),
    onPreview: preview === undefined ? undefined : (frames) => writePreview(frames, resolve(preview)),
  });
  display.done();
  return clip;
}

function json(clip: Clip, url: string): string {
  return `${JSON.stringify(clipReport(clip, url), null, 2)}\n`;
}

function defaultName(input: Input): string {
  return `clip${videoFormat(input.video_output_type).extension}`;
}

/** Writes the middle frame of a preview, one pixel per latent position made 16. */
async function writePreview({ frames, width, height, rgb }: Preview, path: string): Promise<void> {
  const size = width * height * 3;
  const start = Math.floor(frames / 2) * size;
  await sharp(rgb.subarray(start, start + size), { raw: { width, height, channels: 3 } })
    .resize(width * 16, height * 16, { kernel: 'cubic' })
    .png()
    .toFile(path);
}

/** Of `--gpu-memory`. */
