import { Command } from 'commander';
import { expect, test } from 'vitest';
import { audioToVideoLora } from '../../contract/endpoints/audio-to-video-lora.ts';
import { inputSchema, parseInput } from '../../contract/input/input.ts';
import { addGenerateFlags, requestFields } from './generate-flags.ts';

function fieldsOf(...flags: readonly string[]): Record<string, unknown> {
  const command = addGenerateFlags(new Command()).exitOverride();
  command.parse(['--prompt', 'A dog', '--audio', 'a.wav', ...flags], { from: 'user' });
  return requestFields(command.opts());
}

test('every field of the endpoint has a flag', () => {
  const renamed: Readonly<Record<string, string>> = {
    audio_url: '--audio',
    image_url: '--image',
    end_image_url: '--end-image',
    loras: '--lora',
  };
  const flags = addGenerateFlags(new Command()).options.map(({ long }) => long);
  for (const [field, schema] of Object.entries(inputSchema.shape)) {
    const flag = renamed[field] ?? `--${field.replaceAll('_', '-')}`;
    expect(flags).toContain(flag);
    const isOnByDefault = schema.safeParse(undefined).data === true;
    if (isOnByDefault) expect(flags).toContain(flag.replace('--', '--no-'));
  }
});

test('what no flag was given for is left to the contract', () => {
  expect(fieldsOf()).toEqual({ prompt: 'A dog', audio_url: 'a.wav', loras: [] });
  expect(parseInput(fieldsOf(), audioToVideoLora)).toMatchObject({ enable_safety_checker: true, loras: [] });
});

test('the safety checker can be left out', () => {
  expect(fieldsOf('--no-enable-safety-checker')).toMatchObject({ enable_safety_checker: false });
  expect(fieldsOf('--enable-safety-checker')).toMatchObject({ enable_safety_checker: true });
});

test('white space around the name of a file is not part of it', () => {
  const flags = ['--audio', ' a.wav\n', '--image', '\u202aC:\\a b.png', '--end-image', 'c.png\u00a0'];
  const fields = fieldsOf(...flags, '--lora', '\u200b d.safetensors =0.5\r\n');
  expect(parseInput(fields, audioToVideoLora)).toMatchObject({
    audio_url: 'a.wav',
    image_url: 'C:\\a b.png',
    end_image_url: 'c.png',
    loras: [{ path: 'd.safetensors', scale: 0.5 }],
  });
});

test('a LoRA may be a URL, which has equals signs of its own, or a file of a repository', () => {
  const { loras } = fieldsOf(
    ...[
      '--lora',
      'https://a.b/c.safetensors?d=e',
      '--lora',
      'https://a.b/c.safetensors=0.5',
      '--lora',
      'me/styles@v2#ink.safetensors=2',
    ],
  );
  expect(loras).toEqual([
    { path: 'https://a.b/c.safetensors?d=e' },
    { path: 'https://a.b/c.safetensors', scale: 0.5 },
    { path: 'me/styles@v2', weight_name: 'ink.safetensors', scale: 2 },
  ]);
});

test('LoRAs add up', () => {
  expect(fieldsOf('--lora', 'a.safetensors=0.5', '--lora', 'b=c/d.safetensors')).toMatchObject({
    loras: [{ path: 'a.safetensors', scale: 0.5 }, { path: 'b=c/d.safetensors' }],
  });
});
