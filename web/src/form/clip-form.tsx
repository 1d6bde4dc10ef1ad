import type { VNode } from 'preact';
import { CameraField } from '../loras/camera-field.tsx';
import { LoraField } from '../loras/lora-field.tsx';
import { PictureFieldView } from '../picture/picture-field.tsx';
import { inputSchema } from '../server/endpoints.ts';
import { defaultOf } from '../server/page-defaults.ts';
import { SoundField } from '../sound/sound-field.tsx';
import { EndpointField } from './endpoint-field.tsx';
import { Field } from './field.tsx';
import { fileInput, isOfUse, loras, values } from './form-state.ts';
import { isOpen, setOpen } from './open-groups.ts';
import { shownProblem } from './problems.ts';
import { SizeField } from './size-field.tsx';
import { loraTitle, titleOf, valueText } from './words.ts';

interface Group {
  readonly title: string;
  readonly fields: readonly string[];
  /** Whether it begins unfolded. */
  readonly isOpen?: boolean;
  /** Shown when asked for. */
  readonly more?: readonly string[];
}

const groups: readonly Group[] = [
  {
    title: 'Sound',
    isOpen: true,
    fields: ['audio_url'],
    more: ['match_audio_length', 'num_frames', 'audio_strength', 'preprocess_audio'],
  },
  { title: 'Prompt', isOpen: true, fields: ['prompt'], more: ['enable_prompt_expansion', 'negative_prompt'] },
  { title: 'Parts', fields: ['cut', 'part_seconds'], more: ['overlap', 'overlap_strength'] },
  {
    title: 'Pictures',
    fields: ['image_url', 'anchor_url'],
    more: ['image_strength', 'end_image_url', 'end_image_strength', 'anchor_strength'],
  },
  { title: 'Motion', fields: ['camera_lora', 'camera_lora_scale'], more: ['fps'] },
  { title: 'LoRAs', fields: ['loras'] },
  {
    title: 'Output',
    fields: ['video_size', 'seed', 'acceleration'],
    more: [
      'use_multiscale',
      'video_output_type',
      'video_quality',
      'video_write_mode',
      'enable_safety_checker',
      'sync_mode',
    ],
  },
];

/** What the page sends by itself: the parts of a film that is there, to make some of them again. */
const ofFilms: readonly string[] = ['parts', 'resume', 'redo', 'so_far'];

/** Fields whose controls know more than the schema says. */
const controls: Readonly<Record<string, () => VNode>> = {
  audio_url: () => <SoundField />,
  image_url: () => <PictureFieldView name="image_url" />,
  end_image_url: () => <PictureFieldView name="end_image_url" />,
  anchor_url: () => <PictureFieldView name="anchor_url" />,
  camera_lora: () => <CameraField />,
  loras: () => <LoraField />,
  video_size: () => <SizeField />,
};

/** The endpoint, and every field of its input; one that is in no group yet comes last. */
export function ClipForm() {
  const names = Object.keys(inputSchema.value.properties);
  const grouped = groups.flatMap(({ fields, more = [] }) => [...fields, ...more]);
  const others = names.filter((name) => !grouped.includes(name) && !ofFilms.includes(name));
  const all = others.length === 0 ? groups : [...groups, { title: 'More', fields: others }];
  return (
    <>
      <EndpointField />
      {all.map((group) => (
        <FieldGroup key={group.title} group={group} known={names} />
      ))}
    </>
  );
}

function FieldGroup({ group, known }: { readonly group: Group; readonly known: readonly string[] }) {
  const shown = group.fields.filter((name) => known.includes(name) && isOfUse(name));
  const more = (group.more ?? []).filter((name) => known.includes(name));
  if (shown.length + more.length === 0) return null;
  const { title } = group;
  const hasProblem = [...shown, ...more].some((name) => shownProblem(name) !== undefined);
  const isUnfolded = isOpen(title, group.isOpen ?? false) || hasProblem;
  return (
    <details
      class="card group"
      open={isUnfolded}
      onToggle={({ currentTarget }) => {
        if (currentTarget.open !== isUnfolded) setOpen(title, currentTarget.open);
      }}
    >
      <summary>
        <h2>{title}</h2>
        <span class="summary">{isUnfolded ? '' : summaryOf([...shown, ...more])}</span>
      </summary>
      <div class="group-fields">
        {shown.map((name) => (
          <Control key={name} name={name} />
        ))}
        {more.length > 0 && (
          <details class="more">
            <summary>More about {title.toLowerCase()}</summary>
            {more.map((name) => (
              <Control key={name} name={name} />
            ))}
          </details>
        )}
      </div>
    </details>
  );
}

/** What of a folded group is not as it comes. */
function summaryOf(names: readonly string[]): string {
  const texts = names.flatMap((name) => {
    const input = fileInput(name);
    if (input !== undefined) return [titleOf(name)];
    const value = values.value[name];
    const isSet = value !== undefined && JSON.stringify(value) !== JSON.stringify(defaultOf(name));
    if (name === 'video_size') return [valueText(name, value ?? defaultOf(name))];
    if (name === 'loras') return loras().map(({ path }) => loraTitle(path));
    return isSet ? [`${titleOf(name)}: ${valueText(name, value)}`] : [];
  });
  return texts.join(', ');
}

function Control({ name }: { readonly name: string }) {
  const control = controls[name];
  return control === undefined ? <Field name={name} /> : control();
}
