/** What every kind of tensor has: declared, inside a graph, or in memory. */
interface Tensor {
  readonly dtype: string;
  readonly shape: readonly unknown[];
}

/** Tensors with names, in groups of any depth. The full name of one is the path to it: `video.rotary.cos`, `past.0.keys`. */
export type TensorGroup<Leaf extends Tensor> = { readonly [name: string]: Member<Leaf> };

type Member<Leaf extends Tensor> = Leaf | TensorGroup<Leaf> | readonly Member<Leaf>[] | undefined;

/** The names of a group with other tensors, such as those that are fed for inputs that were declared. */
export type SameNames<Group, Leaf> = Group extends Tensor
  ? Leaf
  : Group extends undefined
    ? undefined
    : { readonly [Name in keyof Group]: SameNames<Group[Name], Leaf> };

/** The tensors of a group by their full names; what is undefined is left out. */
export function byFullName<Leaf extends Tensor>(group: TensorGroup<Leaf>): Record<string, Leaf> {
  const named: Record<string, Leaf> = {};
  mapTensors(group, (tensor: Leaf, name) => {
    named[name] = tensor;
  });
  return named;
}

/** The group with what `change` makes of each tensor. */
export function mapTensors<Group extends TensorGroup<Leaf>, Leaf extends Tensor, Result>(
  group: Group,
  change: (tensor: Leaf, fullName: string) => Result,
): SameNames<Group, Result> {
  const ofMember = (member: Member<Leaf>, name: string): unknown => {
    if (member === undefined) return undefined;
    if (isTensor(member)) return change(member, name);
    const members = Object.entries(member).map(([key, inner]) => [
      key,
      ofMember(inner, name === '' ? key : `${name}.${key}`),
    ]);
    return Array.isArray(member) ? members.map(([, inner]) => inner) : Object.fromEntries(members);
  };
  return ofMember(group, '') as SameNames<Group, Result>;
}

function isTensor<Leaf extends Tensor>(member: object): member is Leaf {
  return 'dtype' in member && 'shape' in member;
}
