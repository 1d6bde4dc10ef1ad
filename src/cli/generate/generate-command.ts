import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import sharp from 'sharp';
import { audioToVideoLora } from '../../contract/endpoints/audio-to-video-lora.ts';
import { type ClipFiles, clipSettings, drawSeed } from '../../contract/input/clip-settings.ts';
import { type InputWithLoras as Input, parseInput } from '../../contract/input/input.ts';
import { type DeviceChoice, deviceChoices } from '../../graph/graph-target.ts';
import { MediaService } from '../../media/media-service.ts';
import { type VideoOutputType, videoFormat, videoOutputTypes } from '../../media/video-settings.ts';
import { resolveWeights } from '../../models/resolve-weights.ts';
import { chooseDevice } from '../../pipeline/choose-device.ts';
import { Engine } from '../../pipeline/engine/engine.ts';
import type { Preview } from '../../pipeline/engine/engine-messages.ts';
import { type Clip, type ClipServices, generateClip } from '../../pipeline/generate-clip.ts';
import { SafetyChecker } from '../../safety/safety-checker.ts';
import { configurationSchema, gigabytes } from '../../shared/configuration.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { reporting } from '../reporting.ts';
import { addGenerateFlags, type GenerateFlags, requestFields } from './generate-flags.ts';
import { GenerationDisplay } from './generation-display.ts';

const safetyModel = configurationSchema.shape.SOUNDSTAGE_SAFETY_MODEL;

interface CommandFlags {
  readonly output?: string;
  readonly model: string;
  readonly device: DeviceChoice;
  readonly gpuMemory?: number;
  readonly preview?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/**
 * `soundstage generate`: makes one clip from files.
 *
 * @param services to use instead of its own; their owner ends them
 */
export function generateCommand(services?: ClipServices): Command {
  const command = new Command('generate').description('make a clip from a recording and a prompt');
  return addGenerateFlags(command)
    .option('-o, --output <file>', 'where the clip goes (default: clip with the extension of the output type)')
    .option('--model <id|folder>', 'weights: an id of `soundstage models list`, or a folder of your own', 'nano')
    .addOption(new Option('--device <device>', 'where the model runs').choices(deviceChoices).default('auto'))
    .addOption(
      new Option(
        '--gpu-memory <gigabytes>',
        'memory of the GPU to use: what does not fit comes and goes; default what is free',
      ).argParser(parseGigabytes),
    )
    .option('--preview <file.png>', 'keep a small picture of the clip as it takes shape in this file')
    .option('--json', 'print the result as JSON')
    .option('--quiet', 'no progress')
    .action((flags: GenerateFlags & CommandFlags) =>
      reporting(process.stderr, (signal) => run({ flags, signal, services })),
    );
}

interface CommandRun {
  readonly flags: GenerateFlags & CommandFlags;
  readonly signal: AbortSignal;
  readonly services: ClipServices | undefined;
}

async function run(command: CommandRun): Promise<void> {
  const { flags } = command;
  const input = parseInput(withOutputType(requestFields(flags), flags.output), audioToVideoLora);
  if (!input.sync_mode) {
    const clip = await makeClip(input, resolve(flags.output ?? defaultName(input)), command);
    process.stdout.write(flags.json ? json(clip, clip.file.path) : summary(clip));
    return;
  }
  if (flags.output !== undefined) {
    throw new SoundstageError('input', 'sync_mode leaves no file, so leave --output out', { field: 'output' });
  }
  await using folder = await temporaryFolder();
  const clip = await makeClip(input, join(folder.path, defaultName(input)), command);
  const bytes = await readFile(clip.file.path);
  process.stdout.write(json(clip, `data:${clip.file.contentType};base64,${bytes.toString('base64')}`));
}

async function makeClip(input: Input, output: string, { flags, signal, services }: CommandRun): Promise<Clip> {
  const cameras = input.camera_lora === 'none' ? [] : [input.camera_lora];
  const weights = await resolveWeights(flags.model, { cameras });
  const { device, memory, notes } = await chooseDevice(flags.device, { signal, gpuMemory: flags.gpuMemory });
  const { seed = drawSeed() } = input;
  const settings = clipSettings(input, localFiles(input, weights.cameraLoras), { seed, device, deviceMemory: memory });
  const { preview } = flags;
  using display = new GenerationDisplay(process.stderr, flags.quiet ?? false);
  await using own = new AsyncDisposableStack();
  if (!flags.quiet) for (const note of notes) display.note(note);
  const { media, engine } = services ?? { media: own.use(new MediaService()), engine: own.use(new Engine()) };
  await using checker = new SafetyChecker({
    model: safetyModel.parse(process.env.SOUNDSTAGE_SAFETY_MODEL || undefined),
  });
  return await generateClip(
    settings,
    weights,
    { engine, media },
    {
      output,
      signal,
      inspector: input.enable_safety_checker ? checker : undefined,
      onProgress: (progress) => display.update(progress),
      onNote: (note) => display.note(note),
      onPreview: preview === undefined ? undefined : (frames) => writePreview(frames, resolve(preview)),
    },
  );
}

function defaultName(input: Input): string {
  return `clip${videoFormat(input.video_output_type).extension}`;
}

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'soundstage-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/** The extension of the output file decides the type, unless the type is given; then they must agree. */
function withOutputType(fields: Record<string, unknown>, output: string | undefined): Record<string, unknown> {
  if (output === undefined) return fields;
  const extension = extname(output).toLowerCase();
  const byExtension = videoOutputTypes.find((type) => videoFormat(type).extension === extension);
  const given = fields.video_output_type;
  if (byExtension === undefined) {
    const known = videoOutputTypes.map((type) => videoFormat(type).extension).join(', ');
    throw new SoundstageError('input', `output must end in ${known}, not "${extension}"`, { field: 'output' });
  }
  if (given !== undefined && given !== byExtension) {
    throw new SoundstageError('input', `output ends in ${extension}, but video_output_type is ${String(given)}`, {
      field: 'output',
    });
  }
  return { ...fields, video_output_type: byExtension satisfies VideoOutputType };
}

function localFiles(input: Input, cameraLoras: Readonly<Partial<Record<string, string>>>): ClipFiles {
  const loras = input.loras.map(({ path, scale }, index) => ({ path, scale, field: `loras.${index}.path` }));
  return {
    audio: resolve(input.audio_url),
    image: input.image_url === undefined ? undefined : resolve(input.image_url),
    endImage: input.end_image_url === undefined ? undefined : resolve(input.end_image_url),
    cameraLora: cameraLoras[input.camera_lora],
    loras: loras.filter(({ path }) => path !== '').map((lora) => ({ ...lora, path: resolve(lora.path) })),
  };
}

/** The endpoint's output, with timings. */
function json({ file, plan, report, seconds }: Clip, url: string): string {
  const result = {
    video: {
      url,
      content_type: file.contentType,
      file_name: basename(file.path),
      file_size: file.fileSize,
      width: file.width,
      height: file.height,
      fps: file.fps.num / file.fps.den,
      duration: file.duration,
      num_frames: file.frames,
    },
    seed: plan.seed,
    prompt: plan.prompt,
    timings: { ...report.phases, total: seconds, runtime: report.runtimeSeconds },
    peak_memory: report.peakMemory,
  };
  return `${JSON.stringify(result, null, 2)}\n`;
}

function summary({ file, plan, report, seconds }: Clip): string {
  const fps = file.fps.den === 1 ? `${file.fps.num}` : `${file.fps.num}/${file.fps.den}`;
  const phases = Object.entries(report.phases).map(([phase, time]) => `${phase} ${time.toFixed(1)} s`);
  return [
    file.path,
    `  ${file.width}×${file.height}, ${file.frames} frames at ${fps} fps, ${file.duration.toFixed(2)} s, ${(file.fileSize / 1e6).toFixed(2)} MB`,
    `  seed ${plan.seed}, made in ${seconds.toFixed(1)} s (${phases.join(', ')})`,
    '',
  ].join('\n');
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

function parseGigabytes(text: string): number {
  const { success, data } = gigabytes.safeParse(text);
  if (!success) throw new InvalidArgumentError('It must be a number of gigabytes, such as 12.');
  return data;
}
