import { makesFilms } from '../film/film.ts';
import { fieldSchema } from '../server/endpoints.ts';
import { isSize } from './clip-size.ts';

interface Words {
  readonly title: string;
  readonly help: string;
}

/** What people are told about a field. The endpoint's own texts, which speak to programs, are in its API documents. */
const words: Readonly<Record<string, Words>> = {
  prompt: { title: 'What should be seen', help: 'Who or what is there, what it does, and what is behind it.' },
  audio_url: {
    title: 'Recording',
    help: 'Any sound or video file. The clip moves in time with it and keeps its sound.',
  },
  image_url: { title: 'First picture', help: 'The clip begins with it.' },
  end_image_url: { title: 'Last picture', help: 'The clip ends with it.' },
  match_audio_length: { title: 'As long as the recording', help: 'Off: as many frames as you set below.' },
  num_frames: {
    title: 'Frames',
    help: 'Where the clip is not as long as its recording: 121 frames are 4.8 seconds at 25 a second.',
  },
  video_size: { title: 'Size', help: 'Larger clips take longer.' },
  use_multiscale: { title: 'Two stages', help: 'A small clip is drawn first and then enlarged, with more detail.' },
  fps: { title: 'Frames per second', help: 'More move more smoothly, and take longer.' },
  acceleration: { title: 'Acceleration', help: 'Saves time and costs detail: “none” is best, “full” is fastest.' },
  camera_lora: {
    title: 'Camera move',
    help: 'Surer than asking for it in the prompt. “None” leaves the camera to the prompt.',
  },
  camera_lora_scale: { title: 'Strength of the move', help: '1 is all of it.' },
  negative_prompt: {
    title: 'What should not be seen',
    help: 'The standard text takes no time. With words of your own the clip takes longer.',
  },
  seed: { title: 'Seed', help: 'The same seed and settings make the same clip again. Empty: a new one each time.' },
  enable_prompt_expansion: {
    title: 'Expand the prompt',
    help: 'Adds detail to what you wrote before the clip is made.',
  },
  enable_safety_checker: {
    title: 'Safety check',
    help: 'Looks at the prompt and the pictures, and refuses what is not fit to be shown.',
  },
  video_output_type: { title: 'File type', help: 'MP4 plays everywhere. A GIF has no sound.' },
  video_quality: { title: 'File quality', help: 'Higher: less is lost when the file is written, and it is larger.' },
  video_write_mode: { title: 'Compression', help: '“fast” is written sooner, “small” takes less room.' },
  sync_mode: { title: 'Keep no copy', help: 'The clip comes to this page alone and will not be in the history.' },
  cut: { title: 'Where parts end', help: 'In a pause, on a beat, or after a fixed time.' },
  part_seconds: {
    title: 'Seconds of a part',
    help: 'The model makes a film in parts. Empty: as long as it can make them.',
  },
  overlap: {
    title: 'Overlap',
    help: 'What a part is shown of the one before: 1 is its last frame, and each further one is 8 frames more.',
  },
  overlap_strength: { title: 'Strength of the overlap', help: '1 begins a part exactly with what it is shown.' },
  anchor_url: {
    title: 'Anchor',
    help: 'A picture that every part is shown, so that who and what is in the film stays the same.',
  },
  anchor_strength: { title: 'Strength of the anchor', help: '1 is all of it.' },
  loras: { title: 'Adapters', help: 'Files that teach the model a style or a subject.' },
  image_strength: {
    title: 'Strength of the first picture',
    help: '1 keeps it as it is, less lets the clip depart from it.',
  },
  end_image_strength: {
    title: 'Strength of the last picture',
    help: '1 keeps it as it is, less lets the clip depart from it.',
  },
  audio_strength: {
    title: 'Strength of the recording',
    help: '1 keeps its sound untouched, less lets the model change it.',
  },
  preprocess_audio: {
    title: 'Level the sound',
    help: 'The model hears it at an even loudness. The sound of the clip stays as it is.',
  },
};

/** In the endpoint's own words where the page has none yet. */
export function titleOf(name: string): string {
  return words[name]?.title ?? fieldSchema(name).title ?? name;
}

export function helpOf(name: string): string | undefined {
  if (name === 'prompt' && makesFilms.value) {
    return 'It may change over time: “0:00 a woman sings; 0:45 a sea at night” begins a new scene at 0:45, and “0:45 + she smiles” goes on with the old one.';
  }
  return words[name]?.help ?? fieldSchema(name).description;
}

const partTitles: Readonly<Record<string, string>> = {
  scale: 'scale',
  weight_name: 'file',
  width: 'width',
  height: 'height',
};

/** What a path such as `loras.0.scale` is about: `LoRA 1, scale`. */
export function titleOfPath(path: string): string {
  const [name = '', ...rest] = path.split('.');
  const index = Number(rest[0]);
  const isEntry = name === 'loras' && Number.isInteger(index);
  const title = isEntry ? `LoRA ${index + 1}` : titleOf(name);
  const part = partTitles[rest.at(-1) ?? ''];
  return part === undefined ? title : `${title}, ${part}`;
}

const shapes: Readonly<Record<string, string>> = {
  auto: 'As the picture',
  square_hd: 'Square 1:1, large',
  square: 'Square 1:1',
  portrait_4_3: 'Portrait 3:4',
  portrait_16_9: 'Portrait 9:16',
  landscape_4_3: 'Landscape 4:3',
  landscape_16_9: 'Landscape 16:9',
};

/** A preset of sizes, in words. */
export function shapeOf(preset: string): string {
  return shapes[preset] ?? spaced(preset);
}

/** What a field is set to, in words. */
export function valueText(name: string, value: unknown): string {
  const given = value ?? fieldSchema(name).default;
  if (given === undefined || given === null || given === '') return 'none';
  if (typeof given === 'boolean') return given ? 'on' : 'off';
  if (isSize(given)) return `${given.width} × ${given.height}`;
  if (Array.isArray(given)) return given.length === 0 ? 'none' : given.map(loraText).join(', ');
  if (name === 'video_size') return shapeOf(String(given));
  if (name === 'camera_lora') return spaced(String(given));
  if (name.endsWith('_url')) return fileTitle(String(given));
  return name === 'negative_prompt' && given === fieldSchema(name).default ? 'standard text' : String(given);
}

/** The file that a LoRA's path or URL names, without folders and ending. */
export function loraTitle(path: string): string {
  const name = path.split('/').at(-1) ?? path;
  return name.replace(/\.safetensors$/, '').replaceAll(/[-_]/g, ' ');
}

export function spaced(name: string): string {
  return name.replaceAll('_', ' ');
}

function loraText(entry: unknown): string {
  if (typeof entry !== 'object' || entry === null || !('path' in entry)) return String(entry);
  const scale = 'scale' in entry ? Number(entry.scale) : 1;
  return `${loraTitle(String(entry.path))} × ${scale}`;
}

function fileTitle(url: string): string {
  if (url.startsWith('data:')) return 'a file';
  const last = URL.parse(url)?.pathname.split('/').at(-1) ?? url;
  return decodeURIComponent(last).replace(/^[0-9a-f]{20,}[-_]/, '');
}
