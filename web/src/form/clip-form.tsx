import type { VNode } from 'preact';
import { CameraField } from '../loras/camera-field.tsx';
import { LoraField } from '../loras/lora-field.tsx';
import { PictureFieldView } from '../picture/picture-field.tsx';
import { inputSchema } from '../server/endpoints.ts';
import { SoundField } from '../sound/sound-field.tsx';
import { EndpointField } from './endpoint-field.tsx';
import { Field } from './field.tsx';
import { isOfUse } from './form-state.ts';
import { SizeField } from './size-field.tsx';

interface Group {
  readonly title: string;
  readonly fields: readonly string[];
  /** Shown when asked for. */
  readonly more?: readonly string[];
}

const groups: readonly Group[] = [
  { title: 'Sound', fields: ['audio_url', 'match_audio_length'], more: ['audio_strength', 'preprocess_audio'] },
  { title: 'Prompt', fields: ['prompt'], more: ['enable_prompt_expansion', 'negative_prompt'] },
  { title: 'Picture', fields: ['image_url'], more: ['image_strength', 'end_image_url', 'end_image_strength'] },
  { title: 'Motion', fields: ['camera_lora', 'camera_lora_scale'], more: ['fps', 'num_frames'] },
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

/** Fields whose controls know more than the schema says. */
const controls: Readonly<Record<string, () => VNode>> = {
  audio_url: () => <SoundField />,
  image_url: () => <PictureFieldView name="image_url" />,
  end_image_url: () => <PictureFieldView name="end_image_url" />,
  camera_lora: () => <CameraField />,
  loras: () => <LoraField />,
  video_size: () => <SizeField />,
};

/** The endpoint, and every field of its input; one that is in no group yet comes last. */
export function ClipForm() {
  const names = Object.keys(inputSchema.value.properties);
  const grouped = groups.flatMap(({ fields, more = [] }) => [...fields, ...more]);
  const others = names.filter((name) => !grouped.includes(name));
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
  return (
    <section class="card" aria-label={group.title}>
      <h2>{group.title}</h2>
      {shown.map((name) => (
        <Control key={name} name={name} />
      ))}
      {more.length > 0 && (
        <details>
          <summary>More about {group.title.toLowerCase()}</summary>
          {more.map((name) => (
            <Control key={name} name={name} />
          ))}
        </details>
      )}
    </section>
  );
}

function Control({ name }: { readonly name: string }) {
  const control = controls[name];
  return control === undefined ? <Field name={name} /> : control();
}
