import { expect, test } from 'vitest';
import { type Sampling, sampleToken, seededUniform } from './token-sampling.ts';

const logits = Float32Array.of(0, 3, 1, 2, -1);
const draws = (sampling: Sampling, count = 20_000): number[] => {
  const counts = new Array<number>(logits.length).fill(0);
  for (let index = 0; index < count; index++) {
    const id = sampleToken(logits, sampling, seededUniform(1, index));
    counts[id] = (counts[id] ?? 0) + 1 / count;
  }
  return counts;
};

test('temperature 0 takes the highest logit, the first of equals', () => {
  expect(sampleToken(logits, { temperature: 0 }, 0.99)).toBe(1);
  expect(sampleToken(Float32Array.of(1, 2, 2), { temperature: 0 }, 0.99)).toBe(1);
});

test('frequencies follow the softmax of the tempered logits', () => {
  const temperature = 0.7;
  const weights = Array.from(logits, (logit) => Math.exp(logit / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  draws({ temperature }).forEach((frequency, id) => {
    expect(frequency).toBeCloseTo((weights[id] ?? 0) / total, 2);
  });
});

test('top-k leaves the k likeliest, and all that equal the k-th', () => {
  expect(draws({ temperature: 2, topK: 2 }).map((frequency) => frequency > 0)).toEqual([
    false,
    true,
    false,
    true,
    false,
  ]);
  const equal = Float32Array.of(1, 1, 1, 0);
  const seen = new Set(
    Array.from({ length: 200 }, (_, at) => sampleToken(equal, { temperature: 1, topK: 2 }, at / 200)),
  );
  expect(seen).toEqual(new Set([0, 1, 2]));
});

test('top-p leaves the fewest that reach the share', () => {
  // Probabilities 0.636, 0.234, 0.086, 0.032, 0.012.
  expect(draws({ temperature: 1, topP: 0.6 })[1]).toBeCloseTo(1);
  expect(draws({ temperature: 1, topP: 0.65 }).map((frequency) => frequency > 0)).toEqual([
    false,
    true,
    false,
    true,
    false,
  ]);
});

test('uniforms are spread over [0, 1) and depend on seed and index', () => {
  const values = Array.from({ length: 1000 }, (_, index) => seededUniform(5, index));
  expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
  expect(new Set(values).size).toBe(1000);
  expect(values.reduce((sum, value) => sum + value, 0) / 1000).toBeCloseTo(0.5, 1);
  expect(seededUniform(6, 0)).not.toBe(seededUniform(5, 0));
});
