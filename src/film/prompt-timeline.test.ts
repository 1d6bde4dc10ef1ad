import { expect, test } from 'vitest';
import { readPromptTimeline, requireWithin, timeOf } from './prompt-timeline.ts';

test('prompts over time, with new scenes and what goes on; semicolons without a time belong to the prompt', () => {
  expect(readPromptTimeline('0:00 a woman sings; slowly; 0:45.5 a sea at night; 1:02:03 + a storm;')).toEqual([
    { seconds: 0, prompt: 'a woman sings; slowly', isScene: true },
    { seconds: 45.5, prompt: 'a sea at night', isScene: true },
    { seconds: 3723, prompt: 'a storm', isScene: false },
  ]);
});

test('a prompt without a time is that of the whole film', () => {
  expect(readPromptTimeline('at 10:30 a man wakes')).toEqual([
    { seconds: 0, prompt: 'at 10:30 a man wakes', isScene: true },
  ]);
});

test.for([
  ['0:10 a sea; 0:05 a lake', 'the first prompt begins at 0:10: let it begin at 0:00, where the film does'],
  ['0:00 a sea; 0:20 a lake; 0:10 a pond', 'the prompts are out of order: 0:10 comes after 0:20'],
  ['0:00 a sea; 0:20 ; 0:30 a pond', 'there is no prompt after 0:20: say what the film shows from there on'],
] as const)('%s is refused', ([text, message]) => {
  expect(() => readPromptTimeline(text)).toThrow(expect.objectContaining({ kind: 'input', field: 'prompt', message }));
});

test('a prompt that begins when the recording is over is refused', () => {
  const prompts = readPromptTimeline('0:00 a sea; 1:30 a lake');
  expect(() => requireWithin(prompts, 90.1)).not.toThrow();
  expect(() => requireWithin(prompts, 90)).toThrow(/^a prompt begins at 1:30, but the recording ends at 1:30: /);
});

test('times are written as they are read', () => {
  expect([0, 7.5, 59.96, 65, 3723].map(timeOf)).toEqual(['0:00', '0:07.5', '1:00', '1:05', '1:02:03']);
});
