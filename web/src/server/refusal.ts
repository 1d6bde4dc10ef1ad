import { titleOfPath } from '../form/words.ts';

/** Status of a request that was cancelled. */
export const cancelledStatus = 499;

/** What is wrong with one field, as the server says it. */
export interface FieldProblem {
  /** `['body', 'loras', 0, 'path']` */
  readonly loc: readonly (string | number)[];
  readonly msg: string;
}

export function fieldProblems(body: unknown): readonly FieldProblem[] {
  const { detail } = (body ?? {}) as { detail?: unknown };
  return Array.isArray(detail) ? (detail as FieldProblem[]) : [];
}

/** `['body', 'loras', 0, 'path']` → `loras.0.path` */
export function pathOf({ loc }: FieldProblem): string {
  return loc.filter((part, index) => index > 0 || part !== 'body').join('.');
}

/** The message without the path that some begin with: the page has words of its own for the field. */
export function messageAbout(problem: FieldProblem): string {
  const path = pathOf(problem);
  return problem.msg.startsWith(`${path} `) ? problem.msg.slice(path.length + 1) : problem.msg;
}

/** Why a request was refused or failed, in words; undefined: its reply does not say. */
export function problemIn(body: unknown): string | undefined {
  const problems = fieldProblems(body);
  if (problems.length === 0) {
    const { detail } = (body ?? {}) as { detail?: unknown };
    return typeof detail === 'string' ? detail : undefined;
  }
  const texts = problems.map((problem) => {
    const [title, message] = [titleOfPath(pathOf(problem)), messageAbout(problem)];
    return message === problem.msg ? `${title}: ${message}` : `${title} ${message}`;
  });
  return texts.join(' ');
}
