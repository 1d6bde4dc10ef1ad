import { type GraphNode, inputsOf, outputsOf } from '../graph-node.ts';
import type { GraphSegment } from './graph-segment.ts';

/**
 * Nodes in the order in which a file lists them: the more nodes a value took to make, the later. Of the values that a node takes,
 * the runtime makes that of the last listed node first. So the long way is gone first, and what is made at once, such as a row of
 * modulation spread over all tokens, is made when it is needed and not for all blocks at the start.
 */
export function byDepth(nodes: readonly GraphNode[]): GraphNode[] {
  const depths = new Map<string, number>();
  const ranked = nodes.map((node) => {
    const depth = inputsOf(node).reduce((max, { name }) => Math.max(max, depths.get(name) ?? 0), 0) + 1;
    for (const { name } of outputsOf(node)) depths.set(name, depth);
    return { node, depth };
  });
  return ranked.sort((a, b) => a.depth - b.depth).map(({ node }) => node);
}

/** The order in which the runtime runs a segment's nodes: depth first from the results, the last listed node first. */
export function runOrder({ weightNodes, nodes }: Pick<GraphSegment, 'weightNodes' | 'nodes'>): GraphNode[] {
  const listed = [...weightNodes, ...nodes];
  const indices = new Map(listed.flatMap((node, index) => outputsOf(node).map(({ name }) => [name, index] as const)));
  const takenFrom = listed.map((node) =>
    [...new Set(inputsOf(node).flatMap(({ name }) => indices.get(name) ?? []))].sort((a, b) => a - b),
  );
  const isTaken = new Set(takenFrom.flat());
  const open: { index: number; isDone: boolean }[] = [];
  for (const index of listed.keys()) if (!isTaken.has(index)) open.push({ index, isDone: false });
  const visited = new Set<number>();
  const order: GraphNode[] = [];
  for (let top = open.pop(); top !== undefined; top = open.pop()) {
    const { index, isDone } = top;
    const node = listed[index];
    if (isDone && node !== undefined) order.push(node);
    if (isDone || visited.has(index)) continue;
    visited.add(index);
    open.push({ index, isDone: true });
    for (const source of takenFrom[index] ?? []) if (!visited.has(source)) open.push({ index: source, isDone: false });
  }
  return order;
}
