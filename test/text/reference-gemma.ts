import { storedTensor } from '../../src/graph/weights/checkpoint.ts';
import { readStoredFloats } from '../../src/graph/weights/stored-tensor-values.ts';
import type { GemmaFolder } from '../../src/ltx2/text/gemma/gemma-folder.ts';

type Matrix = number[][];

/**
 * Gemma 3 in plain loops and double precision, with the attention mask written out: what the graphs are held against.
 * Returns the final normed states `[n][hidden]` and the logits of every position `[n][vocabulary]`.
 */
export async function referenceGemma(
  folder: GemmaFolder,
  ids: readonly number[],
): Promise<{ states: Matrix; logits: Matrix }> {
  const { text_config: config } = folder.config;
  const { head_dim: headDim, num_attention_heads: heads, num_key_value_heads: keyHeads } = config;
  const read = async (name: string): Promise<Matrix> => {
    const stored = storedTensor(folder.checkpoint, `${folder.root}.${name}.weight`);
    const columns = stored.shape.at(-1) ?? 1;
    const values = await readStoredFloats(stored);
    return Array.from({ length: values.length / columns }, (_, row) => [
      ...values.subarray(row * columns, (row + 1) * columns),
    ]);
  };
  const norm = async (name: string, x: Matrix): Promise<Matrix> => {
    const [weight = []] = await read(name);
    return x.map((row) => {
      const root = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0) / row.length + config.rms_norm_eps);
      return row.map((value, at) => (value / root) * (1 + (weight[at] as number)));
    });
  };
  const linear = async (name: string, x: Matrix): Promise<Matrix> => product(x, await read(name));

  const table = await read('embed_tokens');
  let h = ids.map((id) => (table[id] as number[]).map((value) => value * Math.fround(Math.sqrt(config.hidden_size))));
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const at = (name: string): string => `layers.${layer}.${name}`;
    const global = (layer + 1) % config.sliding_window_pattern === 0;
    const theta = global ? config.rope_theta : config.rope_local_base_freq;
    const factor = global ? (config.rope_scaling?.factor ?? 1) : 1;
    const x = await norm(at('input_layernorm'), h);
    const turned = async (name: 'q' | 'k', count: number): Promise<Matrix[]> => {
      const projected = await linear(at(`self_attn.${name}_proj`), x);
      return await Promise.all(
        Array.from({ length: count }, async (_, head) => {
          const rows = projected.map((row) => row.slice(head * headDim, (head + 1) * headDim));
          const normed = await norm(at(`self_attn.${name}_norm`), rows);
          return normed.map((row, position) => rotate(row, position / factor, theta));
        }),
      );
    };
    const [q, k] = [await turned('q', heads), await turned('k', keyHeads)];
    const v = await linear(at('self_attn.v_proj'), x);
    const attended = x.map((_, query) =>
      q.flatMap((rows, head) => {
        const group = Math.floor((head * keyHeads) / heads);
        const scores = ids.map((_, key) => {
          const visible = key <= query && (global || query - key < config.sliding_window);
          const dot = inner(rows[query] as number[], (k[group] as Matrix)[key] as number[]);
          return visible ? Math.exp(dot * config.query_pre_attn_scalar ** -0.5) : 0;
        });
        const total = scores.reduce((sum, score) => sum + score, 0);
        return Array.from({ length: headDim }, (_, channel) =>
          scores.reduce(
            (sum, score, key) => sum + (score / total) * ((v[key] as number[])[group * headDim + channel] as number),
            0,
          ),
        );
      }),
    );
    const output = await linear(at('self_attn.o_proj'), attended);
    h = sum(h, await norm(at('post_attention_layernorm'), output));
    const y = await norm(at('pre_feedforward_layernorm'), h);
    const [gate, up] = [await linear(at('mlp.gate_proj'), y), await linear(at('mlp.up_proj'), y)];
    const gated = gate.map((row, token) => row.map((value, i) => gelu(value) * ((up[token] as number[])[i] as number)));
    const down = await linear(at('mlp.down_proj'), gated);
    h = sum(h, await norm(at('post_feedforward_layernorm'), down));
  }
  const states = await norm('norm', h);
  return { states, logits: product(states, table) };
}

/** `x · wᵀ`. */
function product(x: Matrix, w: Matrix): Matrix {
  return x.map((row) => w.map((column) => inner(row, column)));
}

function inner(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, at) => sum + value * (b[at] as number), 0);
}

function sum(a: Matrix, b: Matrix): Matrix {
  return a.map((row, i) => row.map((value, j) => value + ((b[i] as number[])[j] as number)));
}

function rotate(row: readonly number[], position: number, theta: number): number[] {
  const half = row.length / 2;
  return row.map((value, at) => {
    const angle = position * theta ** (-(at % half) / half);
    const partner = at < half ? -(row[at + half] as number) : (row[at - half] as number);
    return value * Math.cos(angle) + partner * Math.sin(angle);
  });
}

function gelu(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}
